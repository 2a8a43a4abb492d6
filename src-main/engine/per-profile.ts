/**
 * What lives as long as a profile does: one thing per profile, made when it is first needed, kept over edits that do not concern it, and
 * made anew after those that do. A caller that found the profile before it was edited is given what others have by now: an old reading of
 * a profile never takes the new thing away from them.
 */
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';

export interface Making<T> {
	/** All of a profile that the thing is made of, as text. */
	madeOf(profile: Profile): string;
	make(profile: Profile): T;
	close(value: T): Promise<void> | void;
	/** Told of what could not be closed. */
	onCloseFailed(id: ProfileId, error: unknown): void;
}

/** A thing that is kept open for its holder, also when the profile has another one by then. */
export interface Held<T> extends Disposable {
	readonly value: T;
}

interface Entry<T> {
	readonly id: ProfileId;
	readonly made: string;
	readonly value: T;
	/** `updatedAt` of the newest reading of the profile that this is known to be right for. */
	asOf: number;
	holders: number;
	/** It is the profile's no more, and closes when nobody holds it. */
	replaced: boolean;
	closed: Promise<void> | null;
}

export class PerProfile<T> implements AsyncDisposable {
	readonly #making: Making<T>;
	readonly #live = new Map<ProfileId, Entry<T>>();
	/** All that are not closed, those that were replaced among them. */
	readonly #open = new Set<Entry<T>>();

	constructor(making: Making<T>) {
		this.#making = making;
	}

	/** The profile's thing, made if need be. */
	of(profile: Profile): T {
		return this.#entry(profile).value;
	}

	/** The same, kept open until it is disposed of. */
	hold(profile: Profile): Held<T> {
		const entry = this.#entry(profile);
		entry.holders += 1;
		let over = false;
		return {
			value: entry.value,
			[Symbol.dispose]: () => {
				if (over) return;
				over = true;
				entry.holders -= 1;
				if (entry.replaced && entry.holders === 0) void this.#close(entry);
			},
		};
	}

	/** What there is by now; null: nothing was asked for. */
	peek(id: ProfileId): T | null {
		return this.#live.get(id)?.value ?? null;
	}

	/** Lets go of what an edit has made wrong, without making another one. */
	renew(profile: Profile): void {
		const entry = this.#live.get(profile.id);
		if (entry !== undefined && !this.#fits(entry, profile)) this.#replace(entry);
	}

	/** Closes what a removed profile has, whoever holds it. */
	async drop(id: ProfileId): Promise<void> {
		this.#live.delete(id);
		await Promise.all([...this.#open].filter((entry) => entry.id === id).map((entry) => this.#close(entry)));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#live.clear();
		await Promise.all([...this.#open].map((entry) => this.#close(entry)));
	}

	#entry(profile: Profile): Entry<T> {
		const known = this.#live.get(profile.id);
		if (known !== undefined) {
			if (this.#fits(known, profile)) return known;
			this.#replace(known);
		}
		const made = this.#making.madeOf(profile);
		const { id, updatedAt: asOf } = profile;
		const value = this.#making.make(profile);
		const entry: Entry<T> = { id, made, value, asOf, holders: 0, replaced: false, closed: null };
		this.#live.set(id, entry);
		this.#open.add(entry);
		return entry;
	}

	#fits(entry: Entry<T>, profile: Profile): boolean {
		if (profile.updatedAt < entry.asOf) return true;
		if (this.#making.madeOf(profile) !== entry.made) return false;
		entry.asOf = profile.updatedAt;
		return true;
	}

	#replace(entry: Entry<T>): void {
		if (this.#live.get(entry.id) === entry) this.#live.delete(entry.id);
		entry.replaced = true;
		if (entry.holders === 0) void this.#close(entry);
	}

	#close(entry: Entry<T>): Promise<void> {
		entry.closed ??= (async () => {
			try {
				await this.#making.close(entry.value);
			} catch (error) {
				this.#making.onCloseFailed(entry.id, error);
			} finally {
				this.#open.delete(entry);
			}
		})();
		return entry.closed;
	}
}
