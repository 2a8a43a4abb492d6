/** aa-taskmonitor's truncation on facts that come into history. */
import { describe, expect, it } from 'vitest';
import { readJson } from '#main/dialects/json/read.ts';
import { truncateOp } from '#main/dialects/taskmonitor/intake.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { ObservedCall } from '#main/domain/observed.ts';
import type { DecodedTask, HistoryOp } from '#main/domain/task.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';

const profile = 'p' as ProfileId;
const value = (json: string): Value => {
	const read = readJson(json);
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
};
const callOf = (args: string, kwargs: string): CallArguments => {
	const [list, dict] = [value(args), value(kwargs)];
	if (list.kind !== 'list' || dict.kind !== 'dict') throw new Error('no call');
	return { args: list.items, kwargs: dict.entries.map(([key, one]) => [key.kind === 'str' ? key.value : '', one]) };
};
const taskOf = (argsJson: string, kwargsJson: string): DecodedTask => ({
	name: 'shop.tasks.charge',
	messageId: 'm',
	priority: null,
	publishedAt: null,
	call: callOf(argsJson, kwargsJson),
	argsJson,
	kwargsJson,
});
const message = { exchange: '', routingKey: 'q', properties: {}, body: Buffer.from('as it came') };
const published = (args: string, kwargs: string): HistoryOp => ({
	kind: 'published',
	profile,
	at: 1,
	task: taskOf(args, kwargs),
	queue: 'q',
	message,
	requeueOf: null,
	cause: 'published',
});
const finished = (text: string): HistoryOp => ({
	kind: 'finished',
	profile,
	at: 1,
	run: 'r',
	runtimeMs: 1,
	outcome: { state: 'succeeded', result: { kind: 'json', text } },
});

describe('truncation on the way into history', () => {
	it('empties what arguments nest, in values and in text, and leaves the message alone', () => {
		const op = truncateOp(published('[1, {"a": [1]}, [], "long"]', '{"k": [1, 2], "n": 1e400}'));
		expect(op).toMatchObject({
			task: { argsJson: '[1, {}, [], "long"]', kwargsJson: '{"k": [], "n": 1e400}' },
			message: { body: Buffer.from('as it came') },
		});
	});
	it('hands on the very same fact where nothing is nested', () => {
		for (const op of [
			published('[1, "x", [], {}]', '{"k": null}'),
			finished('"text"'),
			finished('[1, 2]'),
			finished('7'),
		]) {
			expect(truncateOp(op)).toBe(op);
		}
	});
	it('shortens results by the same rule, one level deep', () => {
		const text = (json: string) => {
			const op = truncateOp(finished(json));
			return op.kind === 'finished' && op.outcome.state === 'succeeded' ? op.outcome.result : null;
		};
		expect(text('{"a": {"b": 1}, "c": 12345678901234567890}')).toEqual({
			kind: 'json',
			text: '{"a": {}, "c": 12345678901234567890}',
		});
		expect(text('[[1], [2]]')).toEqual({ kind: 'json', text: '[]' });
		expect(text('[false, []]')).toEqual({ kind: 'json', text: '[false, []]' });
		expect(text('[[1], 1]')).toEqual({ kind: 'json', text: '[[], 1]' });
	});
	it('reads what events print where it is a literal, keeps other text, and what was printed of arguments', () => {
		const call: ObservedCall = {
			name: 'shop.tasks.charge',
			argsText: '([1, 2],)',
			kwargsText: '{}',
			call: callOf('[[1, 2]]', '{}'),
			argsJson: '[[1, 2]]',
			kwargsJson: '{}',
			rootId: null,
			parentId: null,
			retries: 0,
			at: 1,
		};
		const fact = { kind: 'succeeded', type: 'task-succeeded', at: 1, host: 'h', pid: 1, clock: 1 } as const;
		const facts = [
			{ ...fact, result: "{'a': [1], 'b': 'x'}" },
			{ ...fact, result: '[<Order 1>, [2]]' },
			{ ...fact, result: "'text'" },
			{ ...fact, resultJson: '[[1], true]' },
		];
		const op = truncateOp({ kind: 'observed', profile, at: 1, key: 'm', facts, call });
		expect(op).toMatchObject({
			call: { argsText: '([1, 2],)', argsJson: '[[]]', call: { args: [{ kind: 'list', items: [] }] } },
			facts: [
				{ result: "{'a': [], 'b': 'x'}" },
				{ result: '[<Order 1>, [2]]' },
				{ result: "'text'" },
				{ resultJson: '[[], true]' },
			],
		});
	});
});
