/** An exception as Celery's events tell it: a printed form, and mostly a traceback that says its module as well. */
import type { TaskException } from '#main/domain/task.ts';
import { readLiteral } from '../python/read.ts';

/** What billiard wraps errors of its own in; its printed form says nothing. */
const WRAPPER = 'ExceptionWithTraceback';
/** Lines at a traceback's end among which the exception's own line is looked for. */
const TAIL = 200;

/** `ValueError('kaput')` with its traceback, as type and message. Without either it says so. */
export function exceptionOf(repr: string | null, traceback: string | null): TaskException {
	const printed = /^([\p{L}_][\p{L}\p{N}_.]*)\((.*)\)$/su.exec(repr ?? '');
	const type = printed?.[1] ?? null;
	const told = traceback === null ? null : lastLine(traceback, type === WRAPPER ? null : type);
	if (told !== null) return told;
	if (type === null)
		return {
			type: repr === null ? 'Unknown' : 'Exception',
			message: repr ?? 'The event does not say what was raised.',
		};
	return { type, message: messageIn(printed?.[2] ?? '') };
}

/** The last `module.Type: words` of a traceback; of that type, where one is given. */
function lastLine(traceback: string, type: string | null): TaskException | null {
	const lines = traceback.trimEnd().split('\n');
	const wanted = type?.split('.').at(-1) ?? null;
	for (let at = lines.length - 1; at >= Math.max(0, lines.length - TAIL); at -= 1) {
		const said = /^([\p{L}_][\p{L}\p{N}_.]*)(?:: (.*))?$/su.exec(lines[at] ?? '');
		const found = said?.[1];
		if (found === undefined || (wanted !== null && found.split('.').at(-1) !== wanted)) continue;
		return { type: found, message: [said?.[2] ?? '', ...lines.slice(at + 1)].join('\n') };
	}
	return null;
}

/** The arguments of a printed exception: one text is the message, else they are shown as they are. */
function messageIn(inner: string): string {
	const one = readLiteral(inner.replace(/,\s*$/, ''));
	return one.ok && one.value.kind === 'str' ? one.value.value : inner;
}
