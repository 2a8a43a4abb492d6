/**
 * The fingerprint of a failure: failures with one cause have the same one, however often the code moves a line, and whatever ids,
 * paths and times their messages hold. Made of the chain of exceptions, the places in own code and what is left of the messages;
 * where there is no traceback, of the exception and the task.
 */
import { messageKey, normaliseMessage } from './failure-message.ts';
import { type FailureFrame, readFailureTrace, type TracedException } from './failure-trace.ts';

/**
 * Rises whenever the same failure would get another fingerprint than before; kept with each, so that old ones are made anew. What
 * people did to groups survives that.
 */
export const FINGERPRINT_VERSION = 1;

/** A failure as history keeps it. */
export interface FailureFacts {
	readonly task: string;
	readonly type: string;
	readonly message: string;
	readonly traceback: string | null;
}

/** One exception of those that made a fingerprint. */
export interface PrintedException {
	readonly relation: TracedException['relation'];
	readonly type: string;
	/** With tokens for what was taken out; null: it did not count. */
	readonly message: string | null;
	/** The places that counted, the failing end last. */
	readonly frames: readonly FailureFrame[];
}

/** Why a failure is where it is: everything that made its fingerprint, and nothing else. */
export interface WhyGrouped {
	readonly version: number;
	/** Null: no traceback was understood. */
	readonly language: 'python' | 'node' | null;
	readonly exceptions: readonly PrintedException[];
	/** The task's name, where it counted. */
	readonly task: string | null;
}

export interface Fingerprint {
	/** 16 hexadecimal digits. */
	readonly hash: string;
	/** The same without the raised exception's message: where it failed, whatever it said. */
	readonly place: string;
	/** Of the exception that was raised. */
	readonly type: string;
	readonly message: string;
	/** The own code nearest to the failure; null: none is known. */
	readonly frame: FailureFrame | null;
	readonly why: WhyGrouped;
}

/** Exceptions of a chain, members of a group, and places of each, that count at most. */
const MOST_CHAIN = 8;
const MOST_MEMBERS = 16;
const MOST_PLACES = 24;

/** Warren's own word for a run that nobody told the end of: its message names a worker. */
const LOST = 'WorkerLost';

/** Makes the fingerprint of a failure. */
export function fingerprint(facts: FailureFacts): Fingerprint {
	const trace = facts.traceback === null ? null : readFailureTrace(facts.traceback);
	const raised = trace?.exceptions[0];
	const nothing = raised !== undefined && raised.type === '' && raised.innermost === null;
	if (trace === null || raised === undefined || nothing) return withoutTrace(facts);
	const chain = trace.exceptions.filter((one) => one.relation !== 'member').slice(0, MOST_CHAIN);
	const members = trace.exceptions.filter((one) => one.relation === 'member').slice(0, MOST_MEMBERS);
	const anyOwn = trace.exceptions.some((one) => one.own.length > 0);
	const printed = chain.map((one) => printedOf(one, anyOwn));
	const joined = members.map((one) => printedOf(one, true));
	// Which of its members a group names first is chance; how many of a kind there are is not the cause either.
	const kinds = [...new Map(joined.map((one) => [lineOf(one, true), one])).entries()].sort(([a], [b]) =>
		a < b ? -1 : 1,
	);
	const head = printed[0] as PrintedException;
	const rest = [...printed.slice(1).map((one) => lineOf(one, true)), ...kinds.map(([line]) => line)];
	const exceptions = [...printed, ...kinds.map(([, one]) => one)];
	return made(facts, head, exceptions, {
		full: [trace.language, lineOf(head, true), ...rest],
		place: [trace.language, lineOf(head, false), ...rest],
		language: trace.language,
		task: null,
	});
}

function withoutTrace(facts: FailureFacts): Fingerprint {
	const lost = facts.type === LOST;
	const one: PrintedException = {
		relation: 'raised',
		type: facts.type.slice(0, 300),
		message: lost ? null : normaliseMessage(facts.message),
		frames: [],
	};
	const task = facts.task.slice(0, 300);
	const print = made(facts, one, [one], {
		full: ['', lineOf(one, true), task],
		place: ['', lineOf(one, false), task],
		language: null,
		task,
	});
	return lost ? { ...print, message: normaliseMessage(facts.message) } : print;
}

function made(
	facts: FailureFacts,
	head: PrintedException,
	exceptions: readonly PrintedException[],
	of: {
		readonly full: readonly string[];
		readonly place: readonly string[];
		readonly language: WhyGrouped['language'];
		readonly task: string | null;
	},
): Fingerprint {
	const own = exceptions.flatMap((one) => one.frames.filter((frame) => frame.own));
	return {
		hash: hash64(of.full.join('\u0000')),
		place: hash64(of.place.join('\u0000')),
		type: head.type === '' ? facts.type.slice(0, 300) : head.type,
		message: head.message ?? normaliseMessage(facts.message),
		frame: head.frames.findLast((frame) => frame.own) ?? own[0] ?? null,
		why: { version: FINGERPRINT_VERSION, language: of.language, exceptions, task: of.task },
	};
}

function printedOf(one: TracedException, anyOwn: boolean): PrintedException {
	const type = one.type.slice(0, 300);
	// What was being handled when something else went wrong is told apart by its type only: it is often another thing each time.
	if (one.relation === 'context') return { relation: 'context', type, message: null, frames: [] };
	if (isRecursion(one)) {
		// Where the stack ended is chance; what went round is not, but for where the round was entered.
		const round = (one.repeated.length > 0 ? one.repeated : one.own).toSorted(byPlace);
		return { relation: one.relation, type, message: null, frames: round.slice(0, MOST_PLACES) };
	}
	const frames = one.own.slice(-MOST_PLACES);
	const innermost = frames.length === 0 && !anyOwn && one.innermost !== null ? [one.innermost] : frames;
	return { relation: one.relation, type, message: normaliseMessage(one.message), frames: innermost };
}

function isRecursion(one: TracedException): boolean {
	return one.type === 'RecursionError' || (one.type === 'RangeError' && one.message.startsWith('Maximum call stack'));
}

function byPlace(a: FailureFrame, b: FailureFrame): number {
	return a.file < b.file ? -1 : a.file > b.file ? 1 : a.name < b.name ? -1 : 1;
}

function lineOf(one: PrintedException, withMessage: boolean): string {
	const message = withMessage && one.message !== null ? messageKey(one.message) : '';
	return [one.relation, one.type, message, ...one.frames.map((frame) => `${frame.file}:${frame.name}`)].join('\u0001');
}

/** 64 bits of a text, as 16 hexadecimal digits: two lanes of multiplication and rotation that feed each other. Not for secrets. */
export function hash64(text: string): string {
	let low = 0x243f6a88;
	let high = 0x85a308d3;
	for (let at = 0; at < text.length; at += 1) {
		const unit = text.charCodeAt(at);
		low = Math.imul(low ^ unit, 0x9e3779b1);
		low = (low << 13) | (low >>> 19);
		high = Math.imul(high ^ low ^ unit, 0xc2b2ae3d);
		high = (high << 15) | (high >>> 17);
	}
	return hex(stirred(low ^ text.length)) + hex(stirred(high ^ stirred(low)));
}

function stirred(word: number): number {
	let mixed = word ^ (word >>> 16);
	mixed = Math.imul(mixed, 0x7feb352d);
	mixed ^= mixed >>> 15;
	mixed = Math.imul(mixed, 0x846ca68b);
	return mixed ^ (mixed >>> 16);
}

function hex(word: number): string {
	return (word >>> 0).toString(16).padStart(8, '0');
}
