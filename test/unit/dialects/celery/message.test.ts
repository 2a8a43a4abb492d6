import { execFileSync } from 'node:child_process';
import { brotliCompressSync, deflateSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodedCelery, decodeCelery } from '#main/dialects/celery/message.ts';
import { previewCall } from '#main/dialects/python/write.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { AFTER_HTTP, AMQP, fieldOf, message, REDIS, tableOf } from './messages.ts';

const HEAD = tableOf({ task: 'shop.pay', id: 'id-1' });

function task(one: OutgoingMessage): DecodedCelery & { readonly kind: 'task' } {
	const decoded = decodeCelery(one);
	if (decoded.kind === 'fault') throw new Error(decoded.fault.reason);
	return decoded;
}

function fault(one: OutgoingMessage, limits = {}): { readonly type: string; readonly reason: string } {
	const decoded = decodeCelery(one, limits);
	if (decoded.kind === 'task') throw new Error(`It was read: ${decoded.task.name}`);
	return { type: decoded.fault.exceptionType, reason: decoded.fault.reason };
}

const at = (index: number): OutgoingMessage => AMQP[index] as OutgoingMessage;
const preview = (one: OutgoingMessage): string => previewCall(task(one).task.call.args, task(one).task.call.kwargs);

describe('messages captured from Celery 5.6.3', () => {
	it('read as the calls that were made, whatever the serializer and compression', () => {
		expect(AMQP.map(preview)).toEqual([
			'1, 2',
			'1, y=2',
			'1, 2',
			'1, 2',
			'1, 2',
			'1, 2',
			`'naïve 漢字', '${'x'.repeat(40)}'`,
			'1, 1',
			'0, 0',
			'1, 1',
			'0, 0',
			'1, 1',
			'nan, inf',
			'9223372036854775809, 1',
			'3, 4',
			'1, 2',
		]);
		expect(AMQP.every((one) => task(one).task.name === 'labapp.add')).toBe(true);
		expect(REDIS.length).toBeGreaterThan(14);
		for (const one of REDIS) expect(task(one).task.name).toMatch(/^labapp\./);
	});

	it('say in the third part and the headers what comes with the call', () => {
		expect(task(at(0)).celery).toMatchObject({
			protocol: 2,
			id: 'a57ce34e-77e7-47f9-a7e8-7837e0cbb3a0',
			rootId: 'a57ce34e-77e7-47f9-a7e8-7837e0cbb3a0',
			parentId: null,
			retries: 0,
			origin: 'gen25577@vm',
			argsRepr: '(1, 2)',
			ignoreResult: false,
			replyTo: 'fb74dade-005c-3625-9e9a-1fe037769b64',
			custom: [],
			doubts: [],
		});
		expect(task(at(1))).toMatchObject({
			task: { priority: 5 },
			celery: { eta: '2026-11-21T05:14:30.230925+00:00', expires: '2026-11-21T06:14:30.230925+00:00' },
		});
		expect(task(at(2)).celery.body).toMatchObject({ contentType: 'application/x-python-serialize' });
		expect(task(at(4)).celery.body.compression).toBe('application/x-gzip');
		expect(task(at(5)).celery).toMatchObject({
			shadow: 'pretty name',
			timeLimits: { hard: 30, soft: 20 },
			custom: [['tenant', { type: 'longstr', text: 'acme' }]],
		});
		expect(task(at(7)).celery).toMatchObject({
			chain: [{ task: 'labapp.add', call: { args: [{ kind: 'int', text: '2' }] }, immutable: false }],
			errbacks: [{ task: 'labapp.fail' }],
		});
		expect(task(at(9)).celery).toMatchObject({ group: '5b592b15-3b9d-4c0e-a91b-605821e85c83', groupIndex: 1 });
		expect(task(at(10)).celery.chord).toMatchObject({ task: 'labapp.tsum' });
		expect(task(at(14)).celery).toMatchObject({ protocol: 1, id: 'b4f5b920-ac5f-496e-b798-db698efbb0f7', retries: 0 });
	});

	it('keep every digit of integers, and bare NaN', () => {
		expect(task(at(13)).task.argsJson).toBe('[9223372036854775809, 1]');
		expect(task(at(12)).task.argsJson).toBe('[NaN, Infinity]');
	});

	it('are doubted after the management API turned their nulls into text', () => {
		const { celery } = task(message(tableOf(AFTER_HTTP), '[[1,2],{},{}]'));
		expect(celery.doubts.join(' ')).toContain('"eta" is "undefined", which is no time; a worker refuses the message');
		expect(celery.doubts.join(' ')).toContain('management API');
	});
});

describe('bodies', () => {
	const call = '[["a", {"__type__": "decimal", "__value__": "1.50"}], {"n": 12345678901234567890}, {}]';

	it('unpack from zlib, brotli and zstd, and say so of what Warren cannot unpack', () => {
		const plain = new TextEncoder().encode(call);
		const compressed = (name: string, bytes: Uint8Array) =>
			message([...HEAD, ['compression', fieldOf(name)]], new Uint8Array(bytes));
		for (const one of [
			compressed('application/x-gzip', deflateSync(plain)),
			compressed('application/x-brotli', brotliCompressSync(plain)),
			compressed('application/zstd', zstdCompressSync(plain)),
		]) {
			expect(preview(one)).toBe("'a', Decimal('1.50'), n=12345678901234567890");
		}
		expect(fault(compressed('application/x-bz2', plain))).toEqual({
			type: 'UnsupportedBody',
			reason: expect.stringContaining('application/x-bz2, which Warren cannot unpack'),
		});
		expect(fault(compressed('application/x-lzma', plain)).type).toBe('UnsupportedBody');
		expect(fault(compressed('application/x-gzip', plain)).reason).toMatch(/does not unpack as zlib/);
	});

	it('are refused when they unpack to more than the limit', () => {
		const bomb = deflateSync(Buffer.alloc(40 * 1024 * 1024, '['));
		const one = message([...HEAD, ['compression', fieldOf('application/x-gzip')]], new Uint8Array(bomb));
		expect(bomb.byteLength).toBeLessThan(100_000);
		expect(fault(one)).toEqual({ type: 'MessageTooLarge', reason: expect.stringContaining('32 MiB') });
		expect(fault(message(HEAD, call), { bytes: 10 }).type).toBe('MessageTooLarge');
	});

	it("show kombu's typed values as what they are, and keep the JSON they came from", () => {
		const typed = (type: string, value: string) => `{"__type__": "${type}", "__value__": ${value}}`;
		const values = [
			typed('datetime', '"2026-01-02T03:04:05.000006+02:00"'),
			typed('date', '"2026-01-02"'),
			typed('time', '"03:04:05"'),
			typed('uuid', '{"hex": "12345678123456781234567812345678", "version": 4}'),
			typed('bytes', '"ab"'),
			typed('base64', '"/wA="'),
			typed('decimal', '"1E+5"'),
			typed('shop.Money', '"1"'),
			typed('datetime', '"soon"'),
		];
		const one = message(HEAD, `[[${values.join(', ')}], {}, {}]`);
		expect(preview(one)).toContain(
			[
				'datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))',
				'datetime.date(2026, 1, 2)',
			].join(', '),
		);
		expect(
			task(one)
				.task.call.args.slice(2, 7)
				.map((value) => (value.kind === 'opaque' ? value.text : value.kind)),
		).toEqual([
			'datetime.time(3, 4, 5)',
			"UUID('12345678-1234-5678-1234-567812345678')",
			"b'ab'",
			"b'\\xff\\x00'",
			"Decimal('1E+5')",
		]);
		expect(
			task(one)
				.task.call.args.slice(7)
				.map(({ kind }) => kind),
		).toEqual(['dict', 'dict']);
		expect(task(one).task.argsJson).toBe(`[${values.join(', ')}]`);
	});

	it('signed ones are shown as what is inside, with the signature unchecked', () => {
		const parts = ['signer', Buffer.from('c0000102ff', 'hex'), 'application/json', 'utf-8', '[[1], {}, {}]'];
		const separator = Buffer.from([0, 1]);
		const whole = Buffer.concat(
			parts.flatMap((part, index) => (index === 0 ? [Buffer.from(part)] : [separator, Buffer.from(part)])),
		);
		const one = message(HEAD, whole.toString('base64'), { contentType: 'application/data' });
		expect(preview(one)).toBe('1');
		expect(task(one).celery.body.signed).toBe('not-checked');
		expect(fault(message(HEAD, 'AAAA', { contentType: 'application/data' })).reason).toMatch(/signed body/);
		expect(fault(message(HEAD, '*', { contentType: 'application/data' })).reason).toMatch(/not base64/);
	});

	it('in MessagePack keep 64-bit integers, bytes and keys of every kind', () => {
		const hex =
			'93' +
			'95cf80000000000000 01d38000000000000000c403666f6fcb3ff8000000000000d6ff00000001'.replaceAll(' ', '') +
			'81a16b01' +
			'80';
		const one = message(HEAD, new Uint8Array(Buffer.from(hex, 'hex')), {
			contentType: 'application/x-msgpack',
			contentEncoding: 'binary',
		});
		expect(preview(one)).toBe(
			"9223372036854775809, -9223372036854775808, b'foo', 1.5, Timestamp(seconds=1, nanoseconds=0), k=1",
		);
		for (const wrong of ['93', 'c1', 'dd7fffffff', '9301c200ff', 'db7fffffff41']) {
			const bad = message(HEAD, new Uint8Array(Buffer.from(wrong, 'hex')), { contentType: 'application/x-msgpack' });
			expect(fault(bad).reason).toMatch(/cannot be read as MessagePack/);
		}
		const deep = message(HEAD, new Uint8Array(5_000).fill(0x91), { contentType: 'application/x-msgpack' });
		expect(fault(deep).reason).toMatch(/Nested more than 1000/);
	});

	it('in YAML follow aliases up to a limit, and make no objects of tags', () => {
		const yaml = (text: string) => message(HEAD, text, { contentType: 'application/x-yaml' });
		expect(
			preview(yaml('- [&a [1], *a, 2026-01-02, 0.10, yes, "é", !!binary /w==]\n- {x: 18446744073709551617}\n- {}\n')),
		).toBe("[1], [1], datetime.date(2026, 1, 2), 0.10, True, 'é', b'\\xff', x=18446744073709551617");
		expect(preview(yaml('- [!!python/object/apply:os.system ["id"]]\n- {}\n- {}\n'))).toBe(
			"!!python/object/apply:os.system (['id'])",
		);
		const doubling = ['- &a0 [x]', ...Array.from({ length: 30 }, (_, n) => `- &a${n + 1} [*a${n}, *a${n}]`)].join('\n');
		expect(fault(yaml(doubling))).toEqual({
			type: 'MessageTooLarge',
			reason: expect.stringContaining('aliases are followed'),
		});
		expect(fault(yaml(`- [&a x${', *a'.repeat(2_000)}]`)).reason).toMatch(/2000 aliases/);
		expect(fault(yaml('['.repeat(5_000))).reason).toMatch(/Nested/);
		expect(fault(yaml('- *nothing')).reason).toMatch(/refers to nothing/);
		expect(fault(yaml('a: b: c')).reason).toMatch(/line 1/);
	});

	it('say what is wrong with them, with the name and id that the headers give', () => {
		const wrong: readonly (readonly [OutgoingMessage, string, RegExp])[] = [
			[message(HEAD, ''), 'InvalidMessage', /empty/],
			[message(HEAD, '{"a": 1}'), 'InvalidMessage', /a dict; it should be \[args, kwargs, options\]/],
			[message(HEAD, '[1, 2]'), 'InvalidMessage', /a list of 2/],
			[message(HEAD, '[5, {}, {}]'), 'InvalidMessage', /positional arguments are a int/],
			[message(HEAD, '[[], [], {}]'), 'InvalidMessage', /keyword arguments are a list/],
			[message(HEAD, '[[1,], {}, {}]'), 'InvalidMessage', /trailing comma.*column 4/],
			[message(HEAD, new Uint8Array([0xff])), 'InvalidMessage', /not text in utf-8/],
			[message(HEAD, 'x', { contentEncoding: 'klingon' }), 'UnsupportedBody', /klingon/],
			[message(HEAD, 'x', { contentType: 'text/plain' }), 'UnsupportedBody', /text\/plain/],
			[message(HEAD, 'x', { contentType: 'application/x-python-serialize' }), 'InvalidMessage', /pickle/],
			[message([], '[]'), 'UnknownTask', /no message of Celery/],
			[message([], '{"task": ""}'), 'UnknownTask', /names a task/],
			[message([], 'x'), 'UnknownTask', /No header "task"/],
		];
		for (const [one, type, reason] of wrong) {
			const decoded = decodeCelery(one);
			expect(decoded.kind).toBe('fault');
			if (decoded.kind !== 'fault') continue;
			expect(decoded.fault.reason).toMatch(reason);
			expect(decoded.fault.exceptionType).toBe(type);
			if (one.properties.headers !== undefined && one.properties.headers.length > 0) {
				expect(decoded.fault).toMatchObject({ name: 'shop.pay', messageId: 'id-1' });
			}
		}
	});

	it('run nothing of a pickle, and show what it asks for', () => {
		const pickle = execFileSync('/usr/bin/python3', [
			'-c',
			'import os,pickle,sys\nclass Evil:\n def __reduce__(s): return (os.system, ("touch /tmp/owned",))\nsys.stdout.buffer.write(pickle.dumps(((Evil(),), {}, {"callbacks": None})))',
		]);
		const one = message(HEAD, new Uint8Array(pickle), {
			contentType: 'application/x-python-serialize',
			contentEncoding: 'binary',
		});
		expect(preview(one)).toBe("posix.system('touch /tmp/owned')");
		expect(task(one).task.argsJson).toBe(`["posix.system('touch /tmp/owned')"]`);
	});
});

describe('hostile changes', () => {
	it('never make the reader throw, in bodies or headers', () => {
		const all = [...AMQP, ...REDIS];
		const odd = fc.constantFrom(null, true, 7, -1, 'undefined', '', [null], ['x', {}], { a: 1 });
		fc.assert(
			fc.property(
				fc.nat(all.length - 1),
				fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.boolean()), { maxLength: 5 }),
				fc.array(fc.tuple(fc.nat(), odd), { maxLength: 4 }),
				fc.constantFrom(
					undefined,
					'application/x-yaml',
					'application/x-msgpack',
					'application/x-python-serialize',
					'application/data',
				),
				(which, bytes, heads, type) => {
					const one = all[which] as OutgoingMessage;
					const body = [...one.body];
					for (const [place, byte, set] of bytes) {
						const where = place % (body.length + 1);
						if (set) body[where] = byte;
						else body.splice(where, 1 + (byte % 5));
					}
					const headers = [...(one.properties.headers ?? [])];
					for (const [place, value] of heads) {
						const where = place % Math.max(1, headers.length);
						headers[where] = [headers[where]?.[0] ?? 'task', fieldOf(value)];
					}
					const properties = { ...one.properties, headers, ...(type === undefined ? {} : { contentType: type }) };
					const decoded = decodeCelery({ properties, body: new Uint8Array(body) });
					if (decoded.kind === 'fault') expect(decoded.fault.reason).not.toBe('');
					else JSON.stringify(decoded);
				},
			),
			{ numRuns: 2_000 },
		);
	});
});
