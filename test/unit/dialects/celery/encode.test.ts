import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCelery } from '#main/dialects/celery/encode.ts';
import { celeryAgain } from '#main/dialects/celery/encode-again.ts';
import { decodeCelery } from '#main/dialects/celery/message.ts';
import { readLiteral } from '#main/dialects/python/read.ts';
import { safeRepr } from '#main/dialects/python/repr.ts';
import { argumentsOfRepr } from '#main/dialects/python/repr-arguments.ts';
import { writeLiteral } from '#main/dialects/python/write.ts';
import type { FieldTable, OutgoingMessage } from '#main/domain/message.ts';
import type { Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { AMQP, fieldOf, message, tableOf } from './messages.ts';

const ID = '11111111-2222-3333-4444-555555555555';
const NOW = Date.parse('2026-11-22T00:00:00Z');

function must<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function value(text: string): Value {
	return must(readLiteral(text));
}

const calls = (args: string, kwargs: string): CallArguments => {
	const [positional, named] = [value(args), value(kwargs)];
	if (positional.kind !== 'tuple' || named.kind !== 'dict') throw new Error('no call');
	return {
		args: positional.items,
		kwargs: named.entries.map(([key, item]) => [key.kind === 'str' ? key.value : '', item] as const),
	};
};

const at = (index: number): OutgoingMessage => AMQP[index] as OutgoingMessage;
const header = (one: OutgoingMessage, name: string) => one.properties.headers?.find(([key]) => key === name)?.[1];
const bodyText = (one: OutgoingMessage) => new TextDecoder().decode(one.body);

describe('tasks as messages', () => {
	it('are what Celery itself published, field by field', () => {
		const captured = at(0);
		const id = header(captured, 'id');
		const made = must(
			encodeCelery({
				name: 'labapp.add',
				id: id?.type === 'longstr' ? id.text : '',
				call: calls('(1, 2)', '{}'),
				queue: 'holding',
				priority: 0,
				origin: 'gen25577@vm',
			}),
		);
		// What a console leaves out: the queue for rpc results, which it has not, and a setting that would override the task's own.
		const { replyTo: _, headers, ...properties } = captured.properties;
		expect(made).toEqual({
			exchange: '',
			routingKey: 'holding',
			properties: { ...properties, headers: (headers as FieldTable).filter(([name]) => name !== 'ignore_result') },
			body: captured.body,
		});
	});

	it('hold a priority where one is meant, and print their arguments in Python', () => {
		const made = must(
			encodeCelery({
				name: 't',
				id: ID,
				call: calls("(1.5, 'it', None, True)", "{'k': [1]}"),
				queue: 'q',
				priority: 5,
				origin: 'console@me',
				exchange: 'e',
				routingKey: 'r',
			}),
		);
		expect(made).toMatchObject({ exchange: 'e', routingKey: 'r', properties: { priority: 5, correlationId: ID } });
		expect(header(made, 'argsrepr')).toEqual({ type: 'longstr', text: "(1.5, 'it', None, True)" });
		expect(header(made, 'kwargsrepr')).toEqual({ type: 'longstr', text: "{'k': [1]}" });
		expect(bodyText(made)).toBe(
			'[[1.5, "it", null, true], {"k": [1]}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]',
		);
	});

	it('are refused where a message cannot hold them, with the path', () => {
		const base = { name: 't', id: ID, queue: 'q', priority: null, origin: 'o' };
		const none = calls('()', '{}');
		expect(encodeCelery({ ...base, call: calls("(1, {'a': b'x'})", '{}') })).toMatchObject({
			error: { code: 'unsupported', details: { path: 'args[1].a' } },
		});
		expect(encodeCelery({ ...base, call: calls('()', "{'when': {1}}") })).toMatchObject({
			error: { details: { path: 'kwargs.when' } },
		});
		expect(encodeCelery({ ...base, call: none, name: ' ' })).toMatchObject({ error: { code: 'invalid-input' } });
		expect(encodeCelery({ ...base, call: none, priority: 256 })).toMatchObject({ error: { code: 'invalid-input' } });
		expect(encodeCelery({ ...base, call: none, queue: 'q'.repeat(256) })).toMatchObject({
			error: { code: 'invalid-input' },
		});
	});

	it('come back as they went out, with every digit', () => {
		const scalar = fc.oneof(
			fc.constant<Value>({ kind: 'none' }),
			fc.bigInt().map((n): Value => ({ kind: 'int', text: String(n) })),
			fc.string({ unit: 'binary' }).map((text): Value => ({ kind: 'str', value: text })),
			fc.boolean().map((b): Value => ({ kind: 'bool', value: b })),
		);
		fc.assert(
			fc.property(
				fc.array(scalar),
				fc.uniqueArray(fc.tuple(fc.string(), scalar), { selector: ([key]) => key }),
				(args, kwargs) => {
					const made = encodeCelery({
						name: 't',
						id: ID,
						call: { args, kwargs },
						queue: 'q',
						priority: null,
						origin: 'o',
					});
					expect(decodeCelery(must(made))).toMatchObject({
						task: { name: 't', messageId: ID, call: { args, kwargs } },
					});
				},
			),
		);
	});
});

describe('messages sent again', () => {
	it('get a new id and no other byte of body changed, whatever the serializer', () => {
		for (const [index, one] of AMQP.entries()) {
			const before = decodeCelery(one);
			const again = must(celeryAgain(one, { id: ID, now: NOW }));
			const after = decodeCelery(again);
			if (before.kind === 'fault' || after.kind === 'fault') throw new Error(`message ${index} cannot be read`);
			expect(after.task).toEqual({ ...before.task, messageId: ID });
			expect(again.properties.correlationId).toBe(ID);
			if (before.celery.protocol === 2) expect(again.body).toEqual(one.body);
			const { id: _, expires: __, ...rest } = before.celery;
			expect(after.celery).toMatchObject(rest);
		}
	});

	it('of protocol 1 change their id in the body, in its place', () => {
		const before = bodyText(at(14));
		expect(bodyText(must(celeryAgain(at(14), { id: ID, now: NOW })))).toBe(
			before.replace('b4f5b920-ac5f-496e-b798-db698efbb0f7', ID),
		);
		const pickled = message([], new Uint8Array(Buffer.from("(dp0\nS'task'\nS't'\ns.")), {
			contentType: 'application/x-python-serialize',
		});
		expect(celeryAgain(pickled, { id: ID, now: NOW })).toMatchObject({ error: { code: 'unsupported' } });
	});

	it('keep their root and parent, and take the old id for a root where they had none', () => {
		const chained = message(
			tableOf({ task: 't', id: 'old', root_id: 'root', parent_id: 'parent', retries: 3, 'x-death': [] }),
			'[[], {}, {}]',
		);
		const again = must(celeryAgain(chained, { id: ID, now: NOW }));
		expect(again.properties.headers).toEqual(
			tableOf({ task: 't', id: ID, root_id: 'root', parent_id: 'parent', retries: 0 }),
		);
		const minimal = must(celeryAgain(message(tableOf({ task: 't', id: 'old' }), '[[], {}, {}]'), { id: ID, now: NOW }));
		expect(header(minimal, 'root_id')).toEqual(fieldOf('old'));
	});

	it('no longer expire where they have expired, and otherwise still do', () => {
		const later = must(celeryAgain(at(1), { id: ID, now: NOW }));
		expect(header(later, 'expires')).toEqual({ type: 'void' });
		expect(later.properties.expiration).toBeUndefined();
		const sooner = must(celeryAgain(at(1), { id: ID, now: Date.parse('2026-11-21T06:00:00Z') }));
		expect(header(sooner, 'expires')).toEqual(header(at(1), 'expires'));
		expect(sooner.properties.expiration).toBe('7200000');
	});

	it('take other arguments, and keep their chain and callbacks', () => {
		const call = calls('(7,)', "{'y': 8}");
		const again = must(celeryAgain(at(7), { id: ID, now: NOW, call }));
		const [before, after] = [decodeCelery(at(7)), decodeCelery(again)];
		if (before.kind === 'fault' || after.kind === 'fault') throw new Error('cannot be read');
		expect(after.task.call).toEqual(call);
		expect(after.celery).toMatchObject({
			chain: before.celery.chain,
			errbacks: before.celery.errbacks,
			argsRepr: '(7,)',
		});
		for (const index of [2, 3, 4, 14]) {
			const packed = decodeCelery(must(celeryAgain(at(index), { id: ID, now: NOW, call })));
			expect(packed).toMatchObject({
				task: { call },
				celery: { body: { contentType: 'application/json', compression: null } },
			});
		}
		expect(celeryAgain(message(tableOf({ task: 't', id: 'x' }), 'broken'), { id: ID, now: NOW, call })).toMatchObject({
			error: { code: 'undecodable', message: expect.stringContaining('would be lost') },
		});
	});
});

describe("Celery's print of arguments", () => {
	const samples = [
		'(1, 2)',
		'()',
		"('a', None, True, 1.5, 1e300, -0.0)",
		"({'a': {'b': {'c': {'d': 1}}}}, [[[[1]]]], [[[]]])",
		"('it\\'s', 'new\\nline', 'back\\\\slash', 'ü漢🐇')",
		"(b'bytes', b'\\xff\\x00', b\"it's\")",
		'({1}, set(), frozenset(), frozenset({2}), ((),), (((1,),),))',
		`('${'x'.repeat(2_000)}', 1)`,
		`('${'word '.repeat(500)}', 1)`,
		`('${'🐇'.repeat(1_100)}',)`,
		`(${Array.from({ length: 600 }, (_, n) => n).join(', ')})`,
		`({${Array.from({ length: 200 }, (_, n) => `'key ${n}': 'value ${n}'`).join(', ')}}, 'never')`,
		`([[${Array.from({ length: 300 }, () => "['ab']").join(', ')}]],)`,
		`(b'${'z'.repeat(1_500)}',)`,
		`{'${'k'.repeat(1_100)}': 1, 'b': 2}`,
		"{'y': 2, 'z': {'deep': [1, (2,), {'x': 'y'}]}}",
		...[1_018, 1_019, 1_020, 1_021, 1_022, 1_023, 1_024, 1_025].map(
			(n) => `(1, '${'x'.repeat(n - 5)}', [2], {'a': 3})`,
		),
		...[1_010, 1_014, 1_018, 1_021].map((n) => `(['${'y'.repeat(n - 5)}', [2, [3]]], {'a': 3})`),
	];

	it('is what its saferepr prints, cut where it cuts', () => {
		const run = spawnSync(
			'/usr/bin/python3',
			[
				'-c',
				'import ast,json,sys\nfrom celery.utils.saferepr import saferepr\nprint(json.dumps([saferepr(eval(t), 1024) for t in json.load(sys.stdin)]))',
			],
			{ input: JSON.stringify(samples), encoding: 'utf8', maxBuffer: 1 << 26 },
		);
		const printed = JSON.parse(run.stdout) as readonly string[];
		expect(samples.map((text) => safeRepr(value(text)))).toEqual(printed);
	});

	it('is read back where it can only have been that', () => {
		const back = must(argumentsOfRepr("(1, 'a', [None, 1.5])", "{'y': {'z': 'line\none'}}"));
		expect(writeLiteral({ kind: 'list', items: back.args })).toBe("[1, 'a', [None, 1.5]]");
		expect(back.kwargs).toEqual([['y', value("{'z': 'line\\none'}")]]);
	});

	it('is refused where it was cut, hidden, or may have been something else', () => {
		const refused: readonly (readonly [string, string, RegExp])[] = [
			["('xxx...', 1)", '{}', /were cut/],
			['(1, ...)', '{}', /were cut/],
			['([[...]],)', '{}', /were cut/],
			["('it\\'s',)", '{}', /backslash/],
			["('a\\nb',)", '{}', /backslash/],
			["(b'ff',)", '{}', /bytes/],
			['<hidden>', '<hidden>', /no plain values/],
			['(<Order: 1>,)', '{}', /no plain values/],
			['(datetime.datetime(2026, 1, 2),)', '{}', /no plain values/],
			['1', '{}', /no list/],
			['()', '[]', /no dict/],
			['()', '{1: 2}', /no text/],
		];
		for (const [args, kwargs, reason] of refused) {
			const read = argumentsOfRepr(args, kwargs);
			expect(read.ok ? 'read' : read.error.message, args).toMatch(reason);
		}
	});

	it('never reads back as anything but what was printed', () => {
		const leaf: fc.Arbitrary<Value> = fc.oneof(
			fc.string({ unit: 'binary' }).map((text): Value => ({ kind: 'str', value: text })),
			fc
				.constantFrom("'", "', '", '\\', "\\'", "a', b'", '...', ')', '\n')
				.map((text): Value => ({ kind: 'str', value: text })),
			fc.bigInt().map((n): Value => ({ kind: 'int', text: String(n) })),
			fc.constant<Value>({ kind: 'none' }),
		);
		fc.assert(
			fc.property(
				fc.array(
					fc.oneof(
						leaf,
						fc.array(leaf).map((items): Value => ({ kind: 'list', items })),
					),
				),
				(args) => {
					const read = argumentsOfRepr(safeRepr({ kind: 'tuple', items: args }), '{}');
					if (read.ok) expect(read.value.args).toEqual(args);
				},
			),
			{ numRuns: 2_000 },
		);
	});
});
