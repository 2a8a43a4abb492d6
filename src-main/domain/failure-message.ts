/**
 * What is left of an exception's message when all that differs from one time to the next is taken out: numbers, ids, times, paths,
 * addresses, quoted values. What was taken out leaves a token (`‹n›`), so that what is left can still be read.
 *
 * Every repetition in the pattern has a bound and a message is cut before it is looked at, so the time is linear in its length.
 */

/** A message longer than this is cut before it is looked at; what is left of it is cut at `LEFT`. In UTF-16 units. */
const READ = 2_000;
const LEFT = 300;
/** Lines of a message that say what happened; those after them mostly say it again with more values. */
const LINES = 2;

const UNIT =
	'(?:\\s?(?:ns|us|µs|ms|s|sec|seconds?|m|min|minutes?|h|d|days?|b|bytes?|kb|mb|gb|kib|mib|gib|%)(?![\\p{L}\\p{N}]))?';
const TLD = 'com|net|org|io|dev|cloud|internal|local|localdomain|lan|svc|example|test|eu|de|uk|fr|us';

/** In the order in which they are tried at each place. */
const PATTERN = new RegExp(
	[
		'(?<url>[a-z][a-z0-9+.-]{1,15}://[^\\s\'"<>()\\[\\]{}]{1,500})',
		'(?<email>[\\p{L}\\p{N}_.+-]{1,64}@[\\p{L}\\p{N}-]{1,63}(?:\\.[\\p{L}\\p{N}-]{1,63}){1,8})',
		'(?<uuid>(?<![\\p{L}\\p{N}])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\\p{L}\\p{N}]))',
		'(?<time>(?<!\\d)(?:\\d{4}-\\d\\d-\\d\\d(?:[T ]\\d\\d:\\d\\d(?::\\d\\d(?:[.,]\\d{1,9})?)?(?:\\s?(?:Z|UTC|[+-]\\d\\d:?\\d\\d))?)?|\\d{1,2}:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?)(?!\\d))',
		'(?<address>(?<![\\p{L}\\p{N}.])\\d{1,3}(?:\\.\\d{1,3}){3}(?::\\d{1,5})?(?![\\p{L}\\p{N}])|(?<![\\p{L}\\p{N}:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\\p{L}\\p{N}:]))',
		`(?<host>(?<![\\p{L}\\p{N}_.@-])[a-z0-9-]{1,63}(?:\\.[a-z0-9-]{1,63}){0,8}:\\d{2,5}(?![\\p{L}\\p{N}])|(?<![\\p{L}\\p{N}_.@-])[a-z0-9-]{1,63}(?:\\.[a-z0-9-]{1,63}){0,8}\\.(?:${TLD})(?![\\p{L}\\p{N}_.-]*[\\p{L}\\p{N}_(]))`,
		'(?<hex>(?<![\\p{L}\\p{N}])0x[0-9a-f]{1,64}(?![\\p{L}\\p{N}]))',
		'(?<quoted>(?<![\\p{L}\\p{N}_])[bru]{0,2}(?:\'(?:\\\\.|[^\'\\\\\\n]){0,300}\'|"(?:\\\\.|[^"\\\\\\n]){0,300}"|`[^`\\n]{0,300}`)(?![\\p{L}\\p{N}_])|“[^”\\n]{0,300}”|‘[^’\\n]{0,300}’|«[^»\\n]{0,300}»)',
		'(?<path>(?<![\\p{L}\\p{N}])[a-z]:\\\\[^\\s\'"<>|]{1,400}|(?<![\\p{L}\\p{N}_.])(?:~|\\.{1,2})?/[\\p{L}\\p{N}_.@%+~-]{1,255}(?:/[\\p{L}\\p{N}_.@%+~-]{0,255}){0,40})',
		`(?<number>(?<![\\p{L}\\p{N}_])[-+]?\\d{1,256}(?:[.,]\\d{1,30}){0,20}(?:e[-+]?\\d{1,5})?${UNIT}(?![\\p{L}\\p{N}_]))`,
		'(?<compound>(?<![\\p{L}\\p{N}_-])[a-z0-9]{1,64}(?:[-_][a-z0-9]{1,64}){1,12}(?![\\p{L}\\p{N}_-]))',
		'(?<word>[\\p{L}\\p{N}]{1,256})',
	].join('|'),
	'giu',
);

/** Words before or after a quoted name that say it is a name in the code, which is the same every time. */
const NAMES_CODE_BEFORE =
	/(?:attribute|module named|argument:?|keyword argument|reading|import name|column|relation|table|constraint) $/i;
const NAMES_CODE_AFTER = /^ (?:object|codec|is not defined|is not a function)/;
const IDENTIFIER = /^[\p{L}_$][\p{L}\p{N}_$.-]{0,80}$/u;

/** The message as people read it, with a token for each part that was taken out; at most 300 units. */
export function normaliseMessage(message: string): string {
	const said = leadingLines(message).replace(/[‹›]/g, "'");
	const left = said.replace(PATTERN, (found: string, ...rest: unknown[]) => {
		const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
		const offset = rest.at(-3) as number;
		if (groups.url !== undefined) return '‹url›';
		if (groups.email !== undefined) return '‹email›';
		if (groups.uuid !== undefined) return '‹id›';
		if (groups.time !== undefined) return '‹time›';
		if (groups.address !== undefined || groups.host !== undefined) return '‹host›';
		if (groups.hex !== undefined) return '‹hex›';
		if (groups.path !== undefined) return '‹path›';
		if (groups.number !== undefined) return '‹n›';
		if (groups.quoted !== undefined) return quoted(found, said, offset);
		if (groups.compound !== undefined) return compound(found);
		return word(found);
	});
	return left.replace(/\s+/g, ' ').trim().slice(0, LEFT);
}

/**
 * What of a normalised message counts for telling failures apart. Which token stands in a place does not: a hexadecimal id may by
 * chance be all digits. Nor does how many stand side by side: lists differ in length.
 */
export function messageKey(normalised: string): string {
	return normalised.replace(/‹[a-z]{1,8}›/g, '‹›').replace(/‹›(?:[\s,;:|/._-]{0,3}‹›){1,200}/g, '‹›');
}

function leadingLines(message: string): string {
	const lines = message
		.slice(0, READ)
		.split('\n')
		.filter((line) => line.trim() !== '');
	return lines.slice(0, LINES).join(' ');
}

function quoted(found: string, said: string, offset: number): string {
	const content = found.slice(1, -1);
	const before = said.slice(Math.max(0, offset - 24), offset);
	const after = said.slice(offset + found.length, offset + found.length + 20);
	const code = IDENTIFIER.test(content) && (NAMES_CODE_BEFORE.test(before) || NAMES_CODE_AFTER.test(after));
	return code ? found : '‹value›';
}

/** Words joined by dashes or underscores: one random id, or words of which some are. */
function compound(found: string): string {
	if (found.length >= 12 && /\d/.test(found) && changes(found) >= 4) return '‹id›';
	return found.replace(/[\p{L}\p{N}]+/gu, word);
}

/** A run of letters and digits. */
function word(found: string): string {
	if (!/\p{N}/u.test(found))
		return found.length >= 12 && rises(found) >= Math.max(4, found.length / 5) ? '‹id›' : found;
	if (/^\p{N}+$/u.test(found)) return '‹n›';
	if (found.length >= 6 && /^[0-9a-f]+$/i.test(found)) return '‹hex›';
	if (changes(found) >= 2 || found.length >= 20) return '‹id›';
	return found.replace(/\p{N}+/gu, '‹n›');
}

/** How often the kind of character changes between letters and digits, or rises from small to capital letters. */
function changes(text: string): number {
	const letters = text.replace(/[-_]/g, '');
	return rises(letters) + (letters.match(/(?<=\d)(?=\D)|(?<=\D)(?=\d)/g)?.length ?? 0);
}

function rises(text: string): number {
	return text.match(/(?<=\p{Ll})(?=\p{Lu})/gu)?.length ?? 0;
}
