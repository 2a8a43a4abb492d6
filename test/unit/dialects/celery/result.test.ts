import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCounted, readGroup, readResult } from '#main/dialects/celery/result.ts';
import { writePickle } from '#main/dialects/python/write-pickle.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => {
	const answer = readResult(bytes(text), 'asked-for');
	if (!answer.ok) throw new Error(answer.error.message);
	return answer.value;
};

type Kept = Readonly<Record<string, { readonly value: unknown }>>;
const file = new URL('../../../fixtures/celery/results-extended-and-rpc-5.6.3.json', import.meta.url);
const captured = JSON.parse(readFileSync(file, 'utf8')) as {
	readonly ids: Readonly<Record<string, string>>;
	readonly while_chord_open: Kept;
	readonly after: Kept;
	readonly rpc_replies: readonly { readonly body: unknown }[];
};
const kept = (from: Kept, key: string) => JSON.stringify(from[key]?.value);

describe('a result', () => {
	it('is read with all that an extended one says', () => {
		const id = captured.ids.kwargs ?? '';
		expect(read(kept(captured.after, `celery-task-meta-${id}`))).toMatchObject({
			id,
			status: 'SUCCESS',
			state: 'succeeded',
			ready: true,
			valueJson: '3',
			exception: null,
			doneAt: Date.UTC(2026, 10, 21, 4, 30, 54, 367) + 0.578,
			name: 'labapp.add',
			args: { kind: 'list', items: [{ kind: 'int', text: '1' }] },
			worker: 'ext@lab',
			retries: 0,
			queue: 'celery',
			serializer: 'json',
		});
	});

	it('of a failure has its exception’s module, type and arguments, and the traceback', () => {
		const id = captured.ids.fail ?? '';
		const { exception, value, traceback } = read(kept(captured.after, `celery-task-meta-${id}`));
		expect(exception).toMatchObject({ type: 'ValueError', module: 'builtins', message: 'x' });
		expect(value).toBeNull();
		expect(traceback).toContain('ValueError: x');
		const own = read(
			'{"status":"FAILURE","result":{"exc_type":"Odd","exc_message":[1,"b"],"exc_module":"shop.errors"}}',
		);
		expect(own.exception).toMatchObject({ type: 'shop.errors.Odd', message: '1, b' });
	});

	it('that came as a reply says no more than its state', () => {
		const replies = captured.rpc_replies.map(({ body }) => read(JSON.stringify(body)).status);
		expect(replies).toContain('STARTED');
		expect(replies).toContain('RETRY');
	});

	it('keeps every digit, and what JSON has not', () => {
		const result = read('{"status": "SUCCESS", "result": [9007199254740993, NaN, 1.10]}');
		expect(result.valueJson).toBe('[9007199254740993, NaN, 1.10]');
	});

	it('in a state of the application’s own is of a task that runs', () => {
		expect(read('{"status": "PROGRESS", "result": {"done": 1}}')).toMatchObject({ state: null, ready: false });
	});

	it('is read from YAML and pickle too, which runs nothing', () => {
		expect(read('status: SUCCESS\nresult: [1, 2]\ntask_id: y\n')).toMatchObject({
			id: 'y',
			serializer: 'yaml',
			valueJson: '[1, 2]',
		});
		const pickled = writePickle({
			kind: 'dict',
			entries: [
				[
					{ kind: 'str', value: 'status' },
					{ kind: 'str', value: 'SUCCESS' },
				],
				[
					{ kind: 'str', value: 'result' },
					{ kind: 'tuple', items: [{ kind: 'int', text: '4' }] },
				],
			],
		});
		if (!pickled.ok) throw new Error(pickled.error.message);
		const answer = readResult(pickled.value, 'p');
		expect(answer).toMatchObject({ ok: true, value: { id: 'p', serializer: 'pickle', valueText: '(4,)' } });
		const packed = Uint8Array.from([
			0x82,
			0xa6,
			...bytes('status'),
			0xa7,
			...bytes('SUCCESS'),
			0xa6,
			...bytes('result'),
			0x07,
		]);
		expect(readResult(packed, 'm')).toMatchObject({ ok: true, value: { serializer: 'msgpack', valueJson: '7' } });
	});

	it('has its children, and groups with their members', () => {
		const { children } = read(
			'{"status":"SUCCESS","result":1,"children":[[["a","p"],null],[["g",null],[[["b",null],null],"c"]]]}',
		);
		expect(children).toEqual([
			{ id: 'a', members: null },
			{
				id: 'g',
				members: [
					{ id: 'b', members: null },
					{ id: 'c', members: null },
				],
			},
		]);
	});

	it('that is none is refused with the reason', () => {
		expect(readResult(bytes('[1]'), 'x')).toMatchObject({
			ok: false,
			error: { message: expect.stringContaining('list') },
		});
		expect(readResult(bytes('{"result": 1}'), 'x')).toMatchObject({
			ok: false,
			error: { message: expect.stringContaining('status') },
		});
	});

	it('never throws, whatever the bytes', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
				expect(typeof readResult(any, 'x').ok).toBe('boolean');
			}),
		);
	});
});

describe('a group', () => {
	it('that was saved has its members, and an open chord those that have counted', () => {
		const saved = readGroup(bytes(kept(captured.after, `celery-taskset-meta-${captured.ids.group}`)));
		expect(saved?.members).toHaveLength(2);
		const [counters] = Object.entries(captured.while_chord_open).filter(([key]) => key.endsWith('.j'));
		const [member] = (counters?.[1].value ?? []) as readonly unknown[];
		expect(readCounted(bytes(JSON.stringify(member)))).toMatchObject({ status: 'SUCCESS' });
		expect(readCounted(bytes('17'))).toBeNull();
	});
});
