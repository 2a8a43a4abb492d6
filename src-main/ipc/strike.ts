/** Inputs as the audit may keep them: secrets struck out, long parts cut. */

const STRUCK = '•••';
/** Longest text that is kept whole, and longest line in all, in UTF-16 units. */
const TEXT_MAX = 500;
const LINE_MAX = 4_000;
const ITEMS_MAX = 50;
const DEPTH_MAX = 8;

/** Field names whose values are secrets wherever they stand. */
const SECRET_NAME = /pass(word|wd|phrase)|^pwd$|secret|token|credential|private_?key|api_?key|authorization/i;
/** `scheme://user:password@`; greedy, because people leave `@` and `/` unescaped in passwords. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)([^\s"'<>:@/]*):[^\s"'<>]*@/gi;
/** `"password": "…"` in JSON or in Python's notation, and `password=…` in a query. */
const QUOTED_SECRET =
	/(["'][^"']*(?:pass(?:word|wd|phrase)|secret|token|credential|api_?key|authorization)[^"']*["']\s*:\s*)("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)/gi;
const QUERY_SECRET = /([?&;\s](?:pass(?:word|wd)?|secret|token|api_?key)=)[^&;\s"']*/gi;

/** One line of JSON without secrets, at most 4,000 characters. Never throws, whatever the input. */
export function auditInput(input: unknown): string {
	const text = JSON.stringify(strike(input, '', 0)) ?? 'null';
	return text.length <= LINE_MAX ? text : `${text.slice(0, LINE_MAX - 1)}…`;
}

/** Strikes credentials out of any text: URLs, quoted pairs, query strings. */
export function strikeText(text: string): string {
	return text
		.replace(URL_CREDENTIALS, `$1$2:${STRUCK}@`)
		.replace(QUOTED_SECRET, `$1"${STRUCK}"`)
		.replace(QUERY_SECRET, `$1${STRUCK}`);
}

function strike(value: unknown, name: string, depth: number): unknown {
	if (value === null || typeof value === 'boolean' || typeof value === 'number') {
		return SECRET_NAME.test(name) && typeof value === 'number' ? STRUCK : value;
	}
	if (SECRET_NAME.test(name)) return STRUCK;
	if (typeof value === 'string') {
		const safe = strikeText(value);
		return safe.length <= TEXT_MAX ? safe : `${safe.slice(0, TEXT_MAX)}… (${safe.length} characters)`;
	}
	if (depth >= DEPTH_MAX) return '…';
	if (Array.isArray(value)) {
		const kept = value.slice(0, ITEMS_MAX).map((item) => strike(item, '', depth + 1));
		return value.length <= ITEMS_MAX ? kept : [...kept, `… ${value.length} in all`];
	}
	if (typeof value === 'object') {
		// A task's environment is where people put credentials, whatever they call them: names only.
		const all = name === 'env';
		const entries = Object.entries(value).slice(0, ITEMS_MAX);
		return Object.fromEntries(entries.map(([key, item]) => [key, all ? STRUCK : strike(item, key, depth + 1)]));
	}
	return String(value).slice(0, TEXT_MAX);
}
