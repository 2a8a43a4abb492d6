import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decoded, decodeCarrot } from '#main/dialects/carrot/decode.ts';
import { encodeCarrot } from '#main/dialects/carrot/encode.ts';
import { firstInvalidByte } from '#main/dialects/carrot/utf8.ts';
import { readJson } from '#main/dialects/json/read.ts';
import type { FieldTable, MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import { CARROT_DIALECT, type CarrotDialect } from '#main/domain/profile.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import { type CallArguments, NO_ARGUMENTS, type Value } from '#main/domain/value.ts';
import { propertyList } from './amqp-properties.ts';
import { JSON_VALUE, RUNS, TEXT } from './values.ts';

const UPSTREAM: CarrotDialect = { ...CARROT_DIALECT, persistent: false };
const CAPTURED: {
	readonly properties: string;
	readonly body: string;
	readonly exchange: string;
	readonly routingKey: string;
} = JSON.parse(readFileSync(new URL('../../fixtures/carrot/message.json', import.meta.url), 'utf8'));
const ID = '312a7e71-3f65-47eb-9e5f-6655a4554a04';
const int = (text: string): Value => ({ kind: 'int', text });

const ADD = {
	name: 'myapp.tasks.add',
	call: { args: [int('1'), int('2')], kwargs: [['x', { kind: 'str', value: 'y' }]] } satisfies CallArguments,
	queue: 'default',
	priority: 3,
	messageId: ID,
};

function encoded(call: Parameters<typeof encodeCarrot>[0], dialect = UPSTREAM): OutgoingMessage {
	const result = encodeCarrot(call, dialect);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function body(args: readonly Value[], kwargs: CallArguments['kwargs'] = []): string {
	return Buffer.from(encoded({ ...ADD, call: { args, kwargs } }).body).toString();
}

const HEADERS: FieldTable = [['type', { type: 'longstr', text: 'app.tasks.add' }]];

function decode(
	text: string | Uint8Array,
	properties: MessageProperties = { headers: HEADERS, messageId: ID, priority: 3 },
): Decoded {
	return decodeCarrot(
		{ properties, body: typeof text === 'string' ? new TextEncoder().encode(text) : text },
		CARROT_DIALECT,
	);
}

function task(text: string, properties?: MessageProperties): DecodedTask {
	const decoded = decode(text, properties);
	if (decoded.kind === 'fault') throw new Error(decoded.fault.reason);
	return decoded.task;
}

function fault(text: string | Uint8Array, properties?: MessageProperties): UndecodableTask {
	const decoded = decode(text, properties);
	if (decoded.kind === 'task') throw new Error(`decoded: ${decoded.task.argsJson}`);
	return decoded.fault;
}

describe('encoding for carrot', () => {
	it('gives the captured message, byte for byte', () => {
		const message = encoded(ADD);
		expect(propertyList(message.properties).toString('hex')).toBe(CAPTURED.properties);
		expect(Buffer.from(message.body).toString()).toBe(CAPTURED.body);
		expect(message.exchange).toBe(CAPTURED.exchange);
		expect(message.routingKey).toBe(CAPTURED.routingKey);
	});

	it('writes args and kwargs only where there are some', () => {
		expect(body([])).toBe('{}');
		expect(body([int('1'), int('2')])).toBe('{"args": [1, 2]}');
		expect(body([], [['x', { kind: 'str', value: 'y' }]])).toBe('{"kwargs": {"x": "y"}}');
	});

	it('writes what Python would: ASCII, all digits, bare NaN, tuples as lists', () => {
		expect(
			body([
				{ kind: 'str', value: 'ü😀' },
				int('12345678901234567890'),
				{ kind: 'float', text: 'NaN' },
				{ kind: 'tuple', items: [int('1')] },
			]),
		).toBe('{"args": ["\\u00fc\\ud83d\\ude00", 12345678901234567890, NaN, [1]]}');
	});

	it('says persistent only where the dialect does', () => {
		expect(encoded(ADD).properties).not.toHaveProperty('deliveryMode');
		expect(encoded(ADD, CARROT_DIALECT).properties.deliveryMode).toBe(2);
	});

	it('sends priority 0 where none is given, and routes as told', () => {
		const message = encoded({ ...ADD, priority: null, exchange: 'ex', routingKey: 'key' });
		expect(message.properties.priority).toBe(0);
		expect([message.exchange, message.routingKey]).toEqual(['ex', 'key']);
	});

	it('follows a deployment with its own header and keys', () => {
		const own: CarrotDialect = { ...UPSTREAM, typeHeader: 'task', messageType: 'mine', argsKey: 'a', kwargsKey: 'k' };
		const message = encoded(ADD, own);
		expect(Buffer.from(message.body).toString()).toBe('{"a": [1, 2], "k": {"x": "y"}}');
		expect(message.properties.headers).toEqual([['task', { type: 'longstr', text: 'myapp.tasks.add' }]]);
		expect(message.properties.type).toBe('mine');
		expect(decodeCarrot(message, own)).toMatchObject({
			kind: 'task',
			task: { name: 'myapp.tasks.add', call: ADD.call },
		});
	});

	it.each<[string, Partial<Parameters<typeof encodeCarrot>[0]>, string]>([
		[
			'bytes in a keyword argument',
			{ call: { args: [], kwargs: [['when', { kind: 'list', items: [{ kind: 'bytes', base64: '' }] }]] } },
			'kwargs.when[0] holds bytes',
		],
		[
			'a set as an argument',
			{ call: { args: [int('1'), { kind: 'set', items: [] }], kwargs: [] } },
			'args[1] is a set',
		],
		[
			'a keyword given twice',
			{
				call: {
					args: [],
					kwargs: [
						['x', int('1')],
						['x', int('2')],
					],
				},
			},
			'twice',
		],
		['no name', { name: '  ' }, 'needs a name'],
		['a priority out of range', { priority: 256 }, '0 to 255'],
		['half a priority', { priority: 1.5 }, 'whole number'],
		['a message id too long for AMQP', { messageId: 'x'.repeat(256) }, '255'],
		['a queue that is no text', { queue: '\ud800' }, 'half a character'],
	])('refuses %s', (_, change, words) => {
		const result = encodeCarrot({ ...ADD, ...change }, UPSTREAM);
		expect(result.ok ? null : result.error.message).toContain(words);
	});
});

describe('decoding from carrot', () => {
	it('reads the captured message', () => {
		expect(task(CAPTURED.body)).toEqual({
			name: 'app.tasks.add',
			messageId: ID,
			priority: 3,
			publishedAt: null,
			call: ADD.call,
			argsJson: '[1, 2]',
			kwargsJson: '{"x": "y"}',
		});
	});

	it('takes missing and null arguments for none, and ignores other keys', () => {
		for (const text of ['{}', '{"args": null, "kwargs": null}', '{"args": [], "more": [1]}']) {
			expect(task(text)).toMatchObject({ call: NO_ARGUMENTS, argsJson: '[]', kwargsJson: '{}' });
		}
	});

	it('keeps all digits, bare NaN and the order of keyword arguments', () => {
		const read = task('{"kwargs": {"z": 12345678901234567890, "a": NaN}, "args": [1.50, "\\u00fc", "\\ud800"]}');
		expect(read.argsJson).toBe('[1.50, "ü", "\\ud800"]');
		expect(read.kwargsJson).toBe('{"z": 12345678901234567890, "a": NaN}');
		expect(read.call.kwargs.map(([key]) => key)).toEqual(['z', 'a']);
	});

	it('passes on odd names, absent ids and a time stamp', () => {
		const odd = task('{}', {
			headers: [['type', { type: 'longstr', text: 'no dot, odd: ü' }]],
			timestamp: 1_790_000_000,
		});
		expect(odd).toMatchObject({
			name: 'no dot, odd: ü',
			messageId: null,
			priority: null,
			publishedAt: 1_790_000_000_000,
		});
	});

	it.each<[string, string, string, string]>([
		['nothing', '', 'InvalidMessage', 'is empty'],
		['text that is no JSON', 'hello', 'InvalidMessage', 'needs quotes'],
		['a list', '[1, 2]', 'InvalidMessage', 'The body is a list'],
		['args as an object', '{"args": {"a": 1}}', 'InvalidMessage', '"args" is an object'],
		['args as a string', '{"args": "abc"}', 'InvalidMessage', '"args" is a string'],
		['kwargs as a list', '{"kwargs": [1]}', 'InvalidMessage', '"kwargs" is a list'],
		['half of a body', '{"args": [1, 2', 'InvalidMessage', 'missing'],
		['nesting without end', `{"args": ${'['.repeat(100_000)}`, 'InvalidMessage', '1000 levels'],
		['pickle', '\x80\x04K\x01.', 'InvalidMessage', 'cannot be read as JSON'],
	])('says what is wrong with a body that holds %s', (_, text, type, words) => {
		const said = fault(text);
		expect(said).toMatchObject({ name: 'app.tasks.add', messageId: ID, priority: 3, exceptionType: type });
		expect(said.reason).toContain(words);
	});

	it.each<[string, MessageProperties, string]>([
		['without headers', { messageId: ID }, 'no headers'],
		['with empty headers', { headers: [] }, 'has no headers'],
		['with other headers only', { headers: [['task', { type: 'longstr', text: 'x' }]] }, 'only "task"'],
		['whose header is a number', { headers: [['type', { type: 'int32', value: 7 }]] }, 'no text (int32)'],
		['whose header is not UTF-8', { headers: [['type', { type: 'bytes', base64: '/w==' }]] }, 'no text (bytes)'],
		['whose header is empty', { headers: [['type', { type: 'longstr', text: ' ' }]] }, 'is empty'],
	])('says that a message %s does not name its task', (_, properties, words) => {
		const said = fault('{}', properties);
		expect(said).toMatchObject({ name: null, exceptionType: 'UnknownTask' });
		expect(said.reason).toContain(words);
	});

	it.each<[string, readonly number[], number]>([
		['at the start', [0xff, 0x7b], 1],
		['after text', [0x7b, 0x22, 0xc3, 0xa4, 0xed, 0xa0, 0x80, 0x22, 0x7d], 5],
		['at the end', [0x7b, 0x22, 0xe2, 0x82], 3],
		[
			'after a long text',
			[...Array.from({ length: 100_000 }, () => 0xc3).flatMap((byte) => [byte, 0xa4]), 0x80, 0x20],
			200_001,
		],
	])('says where a body stops being UTF-8: %s', (_, bytes, place) => {
		const said = fault(Uint8Array.from(bytes));
		expect(said.exceptionType).toBe('InvalidMessage');
		expect(said.reason).toContain(`byte ${place} `);
	});

	it('finds the same first bad byte that a decoder would stop at', () => {
		const fits = (bytes: Uint8Array): boolean => Buffer.from(Buffer.from(bytes).toString()).equals(bytes);
		const near = fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xc3, 0xe0, 0xa0, 0xed, 0x9f, 0xf0, 0x90, 0xf4, 0x8f, 0xff);
		fc.assert(
			fc.property(fc.array(fc.oneof(near, fc.nat(255)), { maxLength: 8 }), (list) => {
				const bytes = Uint8Array.from(list);
				const at = firstInvalidByte(bytes);
				expect(fits(bytes.subarray(0, at))).toBe(true);
				// Nothing longer that begins the same is whole text again within one more sequence.
				for (let more = 1; more <= 4 && at + more <= bytes.length; more += 1) {
					expect(fits(bytes.subarray(0, at + more))).toBe(false);
				}
			}),
			{ numRuns: RUNS * 5 },
		);
	});

	it('refuses what is too large before reading it, and reads what is merely large', () => {
		const large = (text: string, limits: { readonly bytes?: number; readonly values?: number }) =>
			decodeCarrot({ properties: { headers: HEADERS }, body: new TextEncoder().encode(text) }, CARROT_DIALECT, limits);
		const body = `{"args": ["${'x'.repeat(50_000_000)}"]}`;
		expect(large(body, {})).toMatchObject({ kind: 'task' });
		expect(large(body, { bytes: 1_000 })).toMatchObject({
			kind: 'fault',
			fault: { exceptionType: 'MessageTooLarge', reason: expect.stringContaining('47.7 MiB') },
		});
		expect(large(`{"args": [${'1,'.repeat(100)}1]}`, { values: 50 })).toMatchObject({
			kind: 'fault',
			fault: { exceptionType: 'MessageTooLarge' },
		});
		// Zeros are not looked at: the length decides.
		const zeros = new Uint8Array(64 * 1024 * 1024 + 1);
		expect(fault(zeros).exceptionType).toBe('MessageTooLarge');
	});

	it('reads back every call that can be encoded', () => {
		const call = fc.record({
			args: fc.array(JSON_VALUE, { maxLength: 3 }),
			kwargs: fc.uniqueArray(fc.tuple(TEXT, JSON_VALUE), { maxLength: 3, selector: ([key]) => key }),
		});
		fc.assert(
			fc.property(call, fc.integer({ min: 0, max: 255 }), (given, priority) => {
				const decoded = decodeCarrot(encoded({ ...ADD, call: given, priority }), UPSTREAM);
				expect(decoded).toMatchObject({ kind: 'task', task: { name: ADD.name, messageId: ID, priority, call: given } });
				if (decoded.kind !== 'task') return;
				expect(readJson(decoded.task.argsJson)).toEqual({ ok: true, value: { kind: 'list', items: given.args } });
			}),
			{ numRuns: RUNS },
		);
	});

	it('answers any bytes at all, and damaged messages too', () => {
		const noise = fc.uint8Array({ maxLength: 200 });
		const damaged = fc
			.tuple(JSON_VALUE, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }), fc.nat(300))
			.map(([value, changes, length]) => {
				const bytes = encoded({ ...ADD, call: { args: [value], kwargs: [['k', value]] } }).body.slice();
				for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
				return bytes.subarray(0, length);
			});
		fc.assert(
			fc.property(fc.oneof(noise, damaged), (bytes) => {
				const decoded = decode(bytes);
				if (decoded.kind === 'fault') {
					expect(decoded.fault.reason).not.toBe('');
					expect(decoded.fault.exceptionType).toBe('InvalidMessage');
				} else expect(JSON.stringify(decoded.task)).not.toBe('');
			}),
			{ numRuns: RUNS * 5 },
		);
	});
});
