/** How much of one thing history keeps. What is cut says so; raw messages are kept whole. */

/** One line of a log, in UTF-16 units. */
export const LOG_LINE_CAP = 256 * 1024;
/** Arguments as text, each of positional and keyword ones; larger ones are only in the raw message. */
export const ARGUMENTS_CAP = 256 * 1024;
export const RESULT_CAP = 1024 * 1024;
export const TRACEBACK_CAP = 1024 * 1024;
export const EXCEPTION_CAP = 64 * 1024;
/** A raw message's body in bytes; a larger one is not kept. */
export const BODY_CAP = 64 * 1024 * 1024;
/** Names of tasks, queues, workers, exception types; ids of messages. */
export const NAME_CAP = 1_000;

/** `text` with at most `cap` units; a cut keeps the beginning and says how much is missing. */
export function cutEnd(text: string, cap: number): string {
	if (text.length <= cap) return text;
	return `${whole(text.slice(0, cap))}… [${text.length - cap} more characters were cut]`;
}

/** `text` with at most `cap` units; a cut keeps a quarter of the beginning and the rest of the end, where tracebacks matter. */
export function cutMiddle(text: string, cap: number): string {
	if (text.length <= cap) return text;
	const head = cap >> 2;
	const tail = cap - head;
	return `${whole(text.slice(0, head))}\n… [${text.length - cap} characters were cut here] …\n${text.slice(text.length - tail)}`;
}

/** A name with at most `NAME_CAP` units. */
export function cutName(text: string): string {
	return text.length <= NAME_CAP ? text : `${whole(text.slice(0, NAME_CAP - 1))}…`;
}

/** Without half a surrogate pair at its end. */
function whole(text: string): string {
	return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}
