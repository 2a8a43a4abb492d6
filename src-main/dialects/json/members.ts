/**
 * A JSON object as text whose members are changed one by one: what is not touched keeps every byte, its digits, escapes and spacing
 * included. For documents of others, of which Warren changes a part.
 */

/** One member of an object's text, by UTF-16 offsets. */
export interface JsonMember {
	readonly key: string;
	/** Where its key's quote stands. */
	readonly from: number;
	/** Its value's text, without space around it. */
	readonly start: number;
	readonly end: number;
}

/**
 * The members of an object's text, in order; a key that stands twice comes twice. The text is one that `readJson` reads; of any other
 * (no object, or not whole) it gives what it can see, and never throws.
 */
export function membersOf(text: string): readonly JsonMember[] {
	const members: JsonMember[] = [];
	let at = skipSpace(text, 0);
	if (text[at] !== '{') return members;
	at = skipSpace(text, at + 1);
	while (text[at] === '"') {
		const from = at;
		at = endOfString(text, at);
		const key = keyOf(text.slice(from, at));
		at = skipSpace(text, at);
		if (key === null || text[at] !== ':') break;
		const start = skipSpace(text, at + 1);
		const end = endOfValue(text, start);
		if (end === start) break;
		members.push({ key, from, start, end });
		at = skipSpace(text, end);
		if (text[at] !== ',') break;
		at = skipSpace(text, at + 1);
	}
	return members;
}

/** The texts of a list's items, in order. The text is one that `readJson` reads; of any other it gives what it can see. */
export function itemsOf(text: string): readonly string[] {
	const items: string[] = [];
	let at = skipSpace(text, 0);
	if (text[at] !== '[') return items;
	do {
		const start = skipSpace(text, at + 1);
		const end = endOfValue(text, start);
		if (end === start) break;
		items.push(text.slice(start, end));
		at = skipSpace(text, end);
	} while (text[at] === ',');
	return items;
}

/** The text of a member's value; null: there is none of that key. Of a key that stands twice the last, as in Python. */
export function memberText(text: string, key: string): string | null {
	const member = membersOf(text).findLast((one) => one.key === key);
	return member === undefined ? null : text.slice(member.start, member.end);
}

/**
 * An object's text with some members changed: to the JSON text given, or away (null). New ones come last, in the style of those that
 * are there. A key that stands twice is changed in both places.
 */
export function editMembers(text: string, changes: Readonly<Record<string, string | null>>): string {
	const members = membersOf(text);
	const open = skipSpace(text, 0) + 1;
	const places = members.map((member, index) => {
		const before = members[index - 1];
		const from = before === undefined ? open : skipSpace(text, before.end) + 1;
		return {
			...member,
			lead: text.slice(from, member.from),
			trail: text.slice(member.end, skipSpace(text, member.end)),
		};
	});
	const [first] = places;
	const last = places.at(-1);
	const spaced = first !== undefined && /\s/.test(text[first.start - 1] ?? '');
	const newLead = places.length > 1 ? (last?.lead ?? '') : spaced ? ' ' : '';
	const known = new Set(members.map(({ key }) => key));
	const pieces: { readonly lead: string; readonly body: string; readonly trail: string }[] = [];
	for (const { key, from, start, end, lead, trail } of places) {
		const value = Object.hasOwn(changes, key) ? changes[key] : text.slice(start, end);
		if (value === null || value === undefined) continue;
		// The space before the closing brace stays there, whatever comes last.
		pieces.push({ lead, body: text.slice(from, start) + value, trail: end === last?.end ? '' : trail });
	}
	for (const [key, value] of Object.entries(changes)) {
		if (value === null || known.has(key)) continue;
		pieces.push({ lead: newLead, body: `${JSON.stringify(key)}${spaced ? ': ' : ':'}${value}`, trail: '' });
	}
	const inner = pieces.map(({ lead, body, trail }, index) => {
		const outer = index === 0 ? (first?.lead ?? '') : lead;
		return outer + body + (index === pieces.length - 1 ? (last?.trail ?? '') : trail);
	});
	const close = last === undefined ? skipSpace(text, open) : skipSpace(text, last.end);
	return text.slice(0, open) + inner.join(',') + text.slice(close);
}

function skipSpace(text: string, from: number): number {
	let at = from;
	while (at < text.length && ' \t\n\r'.includes(text[at] as string)) at += 1;
	return at;
}

/** Behind the closing quote of the string that begins here. */
function endOfString(text: string, from: number): number {
	let at = from + 1;
	while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
	return Math.min(at + 1, text.length);
}

function endOfValue(text: string, from: number): number {
	const mark = text[from];
	if (mark === '"') return endOfString(text, from);
	let at = from;
	if (mark !== '{' && mark !== '[') {
		while (at < text.length && !',}] \t\n\r'.includes(text[at] as string)) at += 1;
		return at;
	}
	let depth = 0;
	do {
		const here = text[at];
		if (here === '"') {
			at = endOfString(text, at);
			continue;
		}
		if (here === '{' || here === '[') depth += 1;
		else if (here === '}' || here === ']') depth -= 1;
		at += 1;
	} while (depth > 0 && at < text.length);
	return at;
}

function keyOf(literal: string): string | null {
	try {
		const key: unknown = JSON.parse(literal);
		return typeof key === 'string' ? key : null;
	} catch {
		// The platform's parser is right about strings; what it refuses is no text of `readJson`'s.
		return null;
	}
}
