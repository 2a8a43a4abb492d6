/**
 * Which queues there are, by kombu's sets of bindings. An empty queue has no list, so it is there when a binding names it; a queue
 * that nothing binds is there while it has a list. That is stricter than kombu, which lays a message for any name whatsoever down
 * and so makes a list that no worker reads of every misspelt one.
 */
import type { Clock } from '../../domain/clock.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Binding, type Keys, route } from './keys.ts';
import type { ByteReply, Link } from './link.ts';

/** How long what was seen of bindings counts, in ms. */
const FRESH = 2_000;
/** How long a queue that was there is taken to be there, in ms: as long as kombu itself remembers, or longer. */
const TRUSTED = 5_000;
/** Keys that Redis looks at in one step of a scan. */
const SCAN_STEP = 2_000;
/** How long a scan for bindings may take, in ms: the results of tasks may lie in the same database by the million. */
const SCAN_LIMIT = 10_000;
/** Members of one set in one step. */
const MEMBERS_STEP = 1_000;

interface Table {
	readonly at: number;
	readonly bindings: readonly Binding[];
}

export class Bindings {
	readonly #keys: Keys;
	readonly #clock: Clock;
	#table: Table | null = null;
	#found: { readonly keys: readonly string[]; readonly until: number } | null = null;
	#reading: Promise<Result<readonly Binding[]>> | null = null;
	readonly #there = new Map<string, number>();

	constructor(keys: Keys, clock: Clock) {
		this.#keys = keys;
		this.#clock = clock;
	}

	/** Forgets what was seen, after this driver changed it. */
	forget(): void {
		this.#table = null;
		this.#found = null;
	}

	/** All bindings; seen within the last two seconds. */
	async all(link: Link): Promise<Result<readonly Binding[]>> {
		if (this.#table !== null && this.#clock.monotonic() - this.#table.at < FRESH) return ok(this.#table.bindings);
		this.#reading ??= this.#read(link).finally(() => {
			this.#reading = null;
		});
		return this.#reading;
	}

	/** Whether a queue is there: asked of its own set and lists first, which is nearly always enough. */
	async exists(link: Link, queue: string): Promise<Result<boolean>> {
		const seen = this.#there.get(queue);
		if (seen !== undefined && this.#clock.monotonic() - seen < TRUSTED) return ok(true);
		return this.look(link, queue);
	}

	/** As `exists`, but as it is right now. */
	async look(link: Link, queue: string): Promise<Result<boolean>> {
		this.#there.delete(queue);
		const member = this.#keys.member({ routingKey: queue, pattern: '', queue });
		const answers = await Promise.all([
			link.bytes(['SISMEMBER', this.#keys.binding(queue), member]),
			...this.#keys.steps(queue).map((list) => link.bytes(['LLEN', list])),
		]);
		const lost = answers.find((answer) => !answer.ok && answer.error.code !== 'refused');
		if (lost?.ok === false) return lost;
		let found = answers.some((answer) => answer.ok && Number(answer.value) > 0);
		if (!found) {
			const denied = answers.find((answer) => !answer.ok && answer.error.details?.reply === 'NOPERM');
			if (denied?.ok === false) return denied;
			const all = await this.all(link);
			if (!all.ok) return all;
			found = all.value.some((binding) => binding.queue === queue);
		}
		if (found) {
			if (this.#there.size > 10_000) this.#there.clear();
			this.#there.set(queue, this.#clock.monotonic());
		}
		return ok(found);
	}

	/** The queues that a message goes to. `not-found`: no such exchange; `unroutable`: no queue would take it. */
	async route(link: Link, exchange: string, routingKey: string): Promise<Result<readonly string[]>> {
		if (exchange === '') {
			const there = await this.exists(link, routingKey);
			if (!there.ok) return there;
			return there.value ? ok([routingKey]) : unroutable(`There is no queue "${routingKey}".`);
		}
		const bindings = await this.of(link, exchange);
		if (!bindings.ok) return bindings;
		if (bindings.value.length === 0) {
			return fail('not-found', `There is no exchange "${exchange}" that a queue is bound to.`, {
				details: { outcome: 'not-sent' },
			});
		}
		const queues = route(bindings.value, routingKey);
		return queues.length > 0
			? ok(queues)
			: unroutable(`No queue is bound to the exchange "${exchange}" by the routing key "${routingKey}".`);
	}

	/** The bindings of one exchange. */
	async of(link: Link, exchange: string): Promise<Result<readonly Binding[]>> {
		const key = this.#keys.binding(exchange);
		const found: Binding[] = [];
		let cursor = '0';
		do {
			const step = await link.bytes(['SSCAN', key, cursor, 'COUNT', MEMBERS_STEP]);
			if (!step.ok) return step;
			const [next, members] = scanned(step.value);
			for (const member of members) {
				const binding = this.#keys.readMember(exchange, member);
				if (binding !== null) found.push(binding);
			}
			cursor = next;
		} while (cursor !== '0');
		return ok(found);
	}

	async #read(link: Link): Promise<Result<readonly Binding[]>> {
		const keys = await this.#sets(link);
		if (!keys.ok) return keys;
		const found: Binding[] = [];
		for (const key of keys.value) {
			const bindings = await this.of(link, this.#keys.exchangeOf(key));
			// A key of that name that is no set is nothing of kombu's.
			if (bindings.ok) found.push(...bindings.value);
			else if (bindings.error.details?.reply !== 'WRONGTYPE') return bindings;
		}
		this.#table = { at: this.#clock.monotonic(), bindings: found };
		return ok(found);
	}

	/** The keys of all sets. They are searched for no more than a thirtieth of the time, however many keys there are besides. */
	async #sets(link: Link): Promise<Result<readonly string[]>> {
		const started = this.#clock.monotonic();
		if (this.#found !== null && started < this.#found.until) return ok(this.#found.keys);
		const keys = await scanKeys(link, this.#keys.allBindings(), this.#clock, SCAN_LIMIT);
		if (!keys.ok) return keys;
		const now = this.#clock.monotonic();
		this.#found = { keys: keys.value.keys, until: now + (now - started) * 30 };
		return ok(keys.value.keys);
	}
}

/** Keys that match a glob. `complete`: false when the time was up before all were looked at. */
export async function scanKeys(
	link: Link,
	glob: string,
	clock: Clock,
	limitMs: number,
): Promise<Result<{ readonly keys: readonly string[]; readonly complete: boolean }>> {
	const keys = new Set<string>();
	const end = clock.monotonic() + limitMs;
	let cursor = '0';
	do {
		const step = await link.bytes(['SCAN', cursor, 'MATCH', glob, 'COUNT', SCAN_STEP]);
		if (!step.ok) return step;
		const [next, found] = scanned(step.value);
		for (const key of found) keys.add(key);
		cursor = next;
	} while (cursor !== '0' && clock.monotonic() < end);
	return ok({ keys: [...keys], complete: cursor === '0' });
}

/** The cursor and what a step of a scan found. */
function scanned(reply: ByteReply): readonly [cursor: string, found: readonly string[]] {
	const [cursor, found] = reply as readonly [Buffer, readonly Buffer[]];
	return [cursor.toString(), found.map((entry) => entry.toString())];
}

function unroutable(what: string): Result<never> {
	return fail('unroutable', `${what} The message was not sent.`, { details: { outcome: 'not-sent' } });
}
