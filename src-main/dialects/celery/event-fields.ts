/** Fields of events: taking them by type, and keeping exactly what is not taken. */
import type { Value } from '#main/domain/value.ts';
import { membersOf } from '../json/members.ts';
import { quoteJson } from '../json/write.ts';

/** An event as a plain object, of which fields are taken one after another. What is never taken is left for `more`. */
export class EventFields {
	readonly #fields: Readonly<Record<string, unknown>>;
	readonly #taken = new Set<string>();

	constructor(fields: Readonly<Record<string, unknown>>) {
		this.#fields = fields;
	}

	/** Text, or null where it is absent, null or something else. */
	text(key: string): string | null {
		const value = this.#peek(key);
		if (typeof value === 'string' || value === null) this.#taken.add(key);
		return typeof value === 'string' ? value : null;
	}

	/** A finite number. */
	number(key: string): number | null {
		const value = this.#peek(key);
		if ((typeof value === 'number' && Number.isFinite(value)) || value === null) this.#taken.add(key);
		return typeof value === 'number' && Number.isFinite(value) ? value : null;
	}

	/** A whole number from 0 on. */
	count(key: string): number | null {
		const value = this.#peek(key);
		const whole = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
		if (whole || value === null) this.#taken.add(key);
		return whole ? value : null;
	}

	flag(key: string): boolean | null {
		const value = this.#peek(key);
		if (typeof value === 'boolean' || value === null) this.#taken.add(key);
		return typeof value === 'boolean' ? value : null;
	}

	/** Finite numbers in a list, at most `most`. */
	numbers(key: string, most: number): readonly number[] | null {
		const value = this.#peek(key);
		if (value === null) this.#taken.add(key);
		if (!Array.isArray(value) || value.length > most) return null;
		if (!value.every((one): one is number => typeof one === 'number' && Number.isFinite(one))) return null;
		this.#taken.add(key);
		return value;
	}

	/** Whether fields are left that nobody took. */
	hasMore(): boolean {
		for (const key in this.#fields) if (!this.#taken.has(key) && Object.hasOwn(this.#fields, key)) return true;
		return false;
	}

	/** What nobody took, as JSON text with every digit, given the event's own text; null: nothing. */
	more(text: () => string): string | null {
		if (!this.hasMore()) return null;
		const source = text();
		const last = new Map<string, string>();
		for (const { key, start, end } of membersOf(source)) {
			if (!this.#taken.has(key)) last.set(key, source.slice(start, end));
		}
		return `{${[...last].map(([key, value]) => `${quoteJson(key, false)}: ${value}`).join(', ')}}`;
	}

	#peek(key: string): unknown {
		return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
	}
}

/**
 * A value as plain data for `EventFields`: only fields that hold what they should are taken from it, so what plain data cannot
 * say (a long integer, NaN) becomes something that is never taken, and stays in `more`.
 */
export function plainOf(value: Value): unknown {
	switch (value.kind) {
		case 'none':
			return null;
		case 'bool':
		case 'str':
			return value.value;
		case 'int':
		case 'float':
			return Number(value.text);
		case 'list':
			return value.items.map(plainOf);
		case 'dict': {
			const plain: Record<string, unknown> = Object.create(null);
			for (const [key, item] of value.entries) if (key.kind === 'str') plain[key.value] = plainOf(item);
			return plain;
		}
		default:
			return undefined;
	}
}
