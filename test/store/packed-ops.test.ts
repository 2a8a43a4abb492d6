import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptId, taskId } from '#main/domain/ids.ts';
import { type HistoryOp, type StartedFacts, TASK_STATES } from '#main/domain/task.ts';
import { beginnings, packFacts, packOps, unpackFacts, unpackOps } from '#main/store/packed-ops.ts';
import { failed, finished, line, logged, published, removed, SUCCEEDED, started } from '#test/support/history.ts';

const LONG = process.env.WARREN_LONG !== undefined;

const text = fc.string({ unit: 'binary', maxLength: 30 });

const operation: fc.Arbitrary<HistoryOp> = fc.oneof(
	fc
		.record({ id: text, name: text, word: text, body: fc.uint8Array({ maxLength: 40 }) })
		.map(({ id, name, word, body }) => started(1, id, { id, name, args: [word], kwargs: { [word]: [1.5] }, body })),
	fc.record({ id: text, body: fc.uint8Array({ maxLength: 40 }) }).map((made) => published(2, made)),
	text.map((word) => logged('run', [line(1, word), line(2, `${word}\ud800`)], 3)),
	fc.record({ run: text, good: fc.boolean() }).map(({ run, good }) => finished(5, run, good ? SUCCEEDED : failed())),
	text.map((id) => removed(9, [id])),
);

describe('operations on their way to the writer', () => {
	it('arrive as they were sent, bodies to the byte', () => {
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 12 }), (ops) => {
				const packed = packOps(ops);
				expect(packed === null ? null : unpackOps(structuredClone(packed))).toEqual(ops);
			}),
			{ numRuns: LONG ? 5_000 : 200 },
		);
	});

	it.each([
		['a body', started(1, 'run', { id: 'm', body: new Uint8Array(2_000_000) })],
		['arguments', started(1, 'run', { id: 'm', args: ['x'.repeat(2_000_000)], body: new Uint8Array(1) })],
		['a log', logged('run', [line(1, 'x'.repeat(2_000_000))])],
		['a result', finished(1, 'run', { state: 'succeeded', result: { kind: 'json', text: 'x'.repeat(2_000_000) } })],
		['a message of an exception', finished(1, 'run', failed('ValueError', 'x'.repeat(2_000_000)))],
	])('are not packed when %s would make the text too long', (_what, op) => {
		expect(packOps([op])).toBe(null);
	});
});

/** A task that begins, or an operation that finds nothing, with what was found. */
const finding: fc.Arbitrary<readonly [HistoryOp, StartedFacts | null]> = fc.oneof(
	operation.filter((op) => op.kind !== 'started').map((op) => [op, null] as const),
	fc
		.record({
			key: text,
			task: text,
			named: fc.boolean(),
			attempt: fc.integer({ min: 1, max: 2 ** 40 }),
			number: fc.integer({ min: 1, max: 3 }),
			outcome: fc.constantFrom(null, ...TASK_STATES),
			tries: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
		})
		.map(({ key, task, named, attempt, number, outcome, tries }) => {
			const facts: StartedFacts = {
				taskId: taskId(named ? key : task),
				attemptId: attemptId(attempt),
				attemptNumber: number,
				earlierOutcome: outcome,
			};
			return [started(1, 'run', { id: key }), tries === undefined ? facts : { ...facts, tries }] as const;
		}),
);

describe('what operations found, on its way back', () => {
	it('arrives as it was said, whatever was known before', () => {
		fc.assert(
			fc.property(fc.array(finding, { maxLength: 12 }), (found) => {
				const ops = found.map(([op]) => op);
				const facts = found.map(([, fact]) => fact);
				expect(unpackFacts(beginnings(ops), structuredClone(packFacts(ops, facts)))).toEqual(facts);
			}),
			{ numRuns: LONG ? 5_000 : 200 },
		);
	});

	it('takes one number for a task that nothing was known of', () => {
		const facts = { taskId: taskId('m'), attemptId: attemptId(7), attemptNumber: 1, earlierOutcome: null };
		expect(packFacts([started(1, 'run', { id: 'm' })], [facts])).toEqual([7]);
	});
});
