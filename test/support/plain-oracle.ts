/**
 * What queries over anything but tasks mean, said a second time and as plainly as possible, and random ones of them. Shares no code with
 * the product; a query comes as what it asks for, with the text that asks for it.
 */
import { randomFrom } from './deployment.ts';

/** A thing as the test knows it, by the names of its language. */
export interface KnownThing {
	readonly free: readonly (string | null)[];
	readonly texts: Readonly<Record<string, readonly (string | null)[]>>;
	readonly numbers: Readonly<Record<string, number | null>>;
	readonly times: Readonly<Record<string, number | null>>;
	readonly has: Readonly<Record<string, boolean>>;
	readonly is: Readonly<Record<string, boolean>>;
}

/** What may be asked, and with which values. */
export interface Vocabulary {
	/** How a plain word after the field is compared. */
	readonly texts: Readonly<Record<string, 'contains' | 'equals' | 'prefix' | 'choice'>>;
	readonly numbers: readonly string[];
	/** Named times; `bounded` is what since, until, after and before are about, null where there are none. */
	readonly times: readonly string[];
	readonly bounded: string | null;
	readonly has: readonly string[];
	readonly is: readonly string[];
	/** Words to look for; patterns; amounts; the span of times. */
	readonly words: readonly string[];
	readonly choices: Readonly<Record<string, readonly string[]>>;
	readonly amounts: readonly number[];
	readonly from: number;
	readonly span: number;
}

export interface Asked {
	readonly text: string;
	readonly means: (thing: KnownThing) => boolean;
}

const PATTERNS = ['mail|time', 'a+', '[0-9]{2}', '^shop', 'k$', 'st.{2}e'];
const OPS = ['', '<', '<=', '>', '>='] as const;

/** Seeded choices. */
export class Chance {
	readonly #next: () => number;
	constructor(seed: number) {
		this.#next = randomFrom(seed);
	}
	below(count: number): number {
		return Math.floor(this.#next() * count);
	}
	one<T>(items: readonly T[]): T {
		return items[this.below(items.length)] as T;
	}
	odds(percent: number): boolean {
		return this.below(100) < percent;
	}
}

const quoted = (text: string) => `"${text.split('\\').join('\\\\').split('"').join('\\"')}"`;
const holds = (text: string | null, part: string) => text?.toLowerCase().includes(part.toLowerCase()) === true;

function compared(op: (typeof OPS)[number], is: number | null, value: number): boolean {
	if (is === null) return false;
	if (op === '') return is === value;
	if (op === '<') return is < value;
	if (op === '<=') return is <= value;
	return op === '>' ? is > value : is >= value;
}

/** A random query with its meaning. */
export function randomQuery(chance: Chance, about: Vocabulary, depth = 0): Asked {
	const kind = chance.below(depth > 2 ? 10 : 16);
	if (kind >= 10) {
		const a = randomQuery(chance, about, depth + 1);
		if (kind < 12) return { text: `-(${a.text})`, means: (thing) => !a.means(thing) };
		const b = randomQuery(chance, about, depth + 1);
		if (kind < 14) return { text: `(${a.text}) (${b.text})`, means: (thing) => a.means(thing) && b.means(thing) };
		return { text: `((${a.text}) OR (${b.text}))`, means: (thing) => a.means(thing) || b.means(thing) };
	}
	const fields = Object.keys(about.texts);
	if (kind < 2) {
		const word = chance.one(about.words);
		return { text: quoted(word), means: ({ free }) => free.some((text) => holds(text, word)) };
	}
	if (kind === 2) {
		const source = chance.one(PATTERNS);
		const test = new RegExp(source, 'i');
		return { text: `/${source}/`, means: ({ free }) => free.some((text) => text !== null && test.test(text)) };
	}
	if (kind < 6 && fields.length > 0) {
		const field = chance.one(fields);
		const how = about.texts[field];
		const exact = how !== 'choice' && chance.odds(20);
		const words = Array.from({ length: 1 + chance.below(2) }, () => chance.one(about.choices[field] ?? about.words));
		const test = (text: string | null) =>
			text !== null &&
			words.some((word) => {
				if (exact || how === 'equals' || how === 'choice') return text === word;
				return how === 'prefix' ? text.startsWith(word) : holds(text, word);
			});
		return {
			text: `${field}:${exact ? '=' : ''}${words.map(quoted).join(',')}`,
			means: ({ texts }) => (texts[field] ?? []).some(test),
		};
	}
	const op = chance.one(OPS);
	if (kind === 6 && about.numbers.length > 0) {
		const [field, value] = [chance.one(about.numbers), chance.one(about.amounts)];
		return { text: `${field}:${op}${value}`, means: ({ numbers }) => compared(op, numbers[field] ?? null, value) };
	}
	if (kind === 7 && about.times.length > 0) {
		const field = chance.one(about.times);
		const at = about.from + chance.below(about.span);
		const iso = new Date(at).toISOString();
		return { text: `${field}:${op}${iso}`, means: ({ times }) => compared(op, times[field] ?? null, at) };
	}
	if (kind === 8 && about.bounded !== null) {
		const field = about.bounded;
		const word = chance.one(['since', 'until', 'after', 'before'] as const);
		const at = about.from + chance.below(about.span);
		const meant = { since: '>=', until: '<=', after: '>', before: '<' } as const;
		return {
			text: `${word}:${new Date(at).toISOString()}`,
			means: ({ times }) => compared(meant[word], times[field] ?? null, at),
		};
	}
	const things = [
		...about.has.map((thing) => ['has', thing] as const),
		...about.is.map((thing) => ['is', thing] as const),
	];
	const thing = things.length === 0 ? null : chance.one(things);
	if (thing === null) return { text: '*', means: () => true };
	const [word, name] = thing;
	return { text: `${word}:${name}`, means: (known) => known[word][name] === true };
}
