/**
 * Operations on their way to the writer's thread, as one text and one block of bytes: reading a clone of many small objects was
 * measured to cost the thread more than twice as much as reading the same as JSON.
 */
import { type AttemptId, taskId } from '#main/domain/ids.ts';
import type { HistoryOp, StartedFacts } from '#main/domain/task.ts';

/** Survives structured cloning at next to no cost. */
export interface PackedOps {
	/** JSON, in which each message has the length of its body in the body's place. */
	readonly text: string;
	/** The bodies, one behind the other. */
	readonly bodies: Uint8Array;
}

/** Characters of content up to which operations are packed. Beyond, a text could grow too long to exist. */
const MOST = 1024 * 1024;

/** Packs operations; null where they hold too much for it and have to be cloned. */
export function packOps(ops: readonly HistoryOp[]): PackedOps | null {
	let content = 0;
	let size = 0;
	for (const op of ops) {
		content += contentOf(op);
		if ('message' in op) size += op.message.body.byteLength;
		if (content > MOST || size > MOST) return null;
	}
	const bodies = new Uint8Array(size);
	let at = 0;
	const plain = ops.map((op) => {
		if (!('message' in op)) return op;
		const { body } = op.message;
		bodies.set(body, at);
		at += body.byteLength;
		return { ...op, message: { ...op.message, body: body.byteLength } };
	});
	return { text: JSON.stringify(plain), bodies };
}

/** The operations that were packed. */
export function unpackOps({ text, bodies }: PackedOps): readonly HistoryOp[] {
	const ops = JSON.parse(text) as Writable[];
	let at = 0;
	for (const op of ops) {
		if (op.message === undefined) continue;
		const length = op.message.body as number;
		op.message.body = bodies.subarray(at, at + length);
		at += length;
	}
	return ops as unknown as readonly HistoryOp[];
}

/** Facts on their way back: what most tasks find, that nothing was known of them, is said by the number of their attempt. */
export type PackedFacts = readonly (StartedFacts | AttemptId | null)[];

/** Packs what operations found: a clone of small objects costs both threads more than the rows that they speak of. */
export function packFacts(ops: readonly HistoryOp[], facts: readonly (StartedFacts | null)[]): PackedFacts {
	return facts.map((found, at) => {
		if (found === null || found.attemptNumber !== 1 || found.earlierOutcome !== null || found.tries !== undefined)
			return found;
		const op = ops[at];
		return op?.kind === 'started' && op.key === found.taskId ? found.attemptId : found;
	});
}

/** Of operations what it takes to read their facts: the keys of those that begin something, by their place. */
export type Beginnings = ReadonlyMap<number, string>;

/** Reads them off. */
export function beginnings(ops: readonly HistoryOp[]): Beginnings {
	const keys = new Map<number, string>();
	for (const [at, op] of ops.entries()) if (op.kind === 'started') keys.set(at, op.key);
	return keys;
}

/** The facts that were packed, of the same operations. */
export function unpackFacts(begun: Beginnings, packed: PackedFacts): readonly (StartedFacts | null)[] {
	return packed.map((found, at) => {
		if (typeof found !== 'number') return found;
		const key = begun.get(at);
		if (key === undefined) throw new Error('Facts of an operation that begins nothing');
		return { taskId: taskId(key), attemptId: found, attemptNumber: 1, earlierOutcome: null };
	});
}

interface Writable {
	message?: { body: number | Uint8Array };
}

/** Roughly how much text an operation holds where that may be much. */
function contentOf(op: HistoryOp): number {
	switch (op.kind) {
		case 'published':
		case 'waiting':
		case 'started':
			return op.task === null ? 0 : op.task.argsJson.length + op.task.kwargsJson.length;
		case 'log':
			return op.lines.reduce((sum, line) => sum + line.text.length, 0);
		case 'observed':
			return op.facts.reduce(
				(sum, fact) => sum + (fact.traceback?.length ?? 0) + (fact.result?.length ?? 0) + (fact.more?.length ?? 0),
				0,
			);
		case 'finished': {
			const { outcome } = op;
			if (outcome.state === 'succeeded') return outcome.result?.text.length ?? 0;
			return outcome.exception.message.length + (outcome.traceback?.length ?? 0);
		}
		default:
			return 0;
	}
}
