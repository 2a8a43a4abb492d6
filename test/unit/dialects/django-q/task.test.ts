import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSignature, readPacket } from '#main/dialects/django-q/packet.ts';
import { readTask, writeTask } from '#main/dialects/django-q/task.ts';
import type { Value } from '#main/domain/value.ts';
import { captured } from './fixtures.ts';

interface Decoded {
	readonly id: string;
	readonly name: string;
	readonly func: string | { readonly module: string; readonly name: string };
	readonly group?: string;
	readonly hook?: string;
	readonly timeout?: number;
	readonly chain?: readonly unknown[];
	readonly args: unknown;
	readonly kwargs: unknown;
}

function read(wire: string) {
	const packet = readPacket(wire);
	return packet.ok ? readTask(packet.value) : packet;
}

/** The capture's notation of a value. */
function notation(value: Value): unknown {
	switch (value.kind) {
		case 'none':
			return null;
		case 'bool':
		case 'str':
			return value.value;
		case 'int':
			return Number.isSafeInteger(Number(value.text)) ? Number(value.text) : { $type: 'int', value: value.text };
		case 'float':
			return Number.isFinite(Number(value.text)) ? Number(value.text) : { $type: 'float' };
		case 'bytes':
			return { $type: 'bytes' };
		case 'list':
			return value.items.map(notation);
		case 'tuple':
			return { $type: 'tuple', items: value.items.map(notation) };
		case 'set':
		case 'frozenset':
			return { $type: value.kind };
		case 'dict':
			return value.entries.every(([key]) => key.kind === 'str')
				? Object.fromEntries(value.entries.map(([key, item]) => [key.kind === 'str' ? key.value : '', notation(item)]))
				: { $type: 'dict' };
		case 'opaque':
			return { $type: 'opaque' };
	}
}

/** The same of what was captured, as far as the notation above goes. */
function simplified(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(simplified);
	if (value === null || typeof value !== 'object') return value;
	const entries = Object.entries(value);
	const { $type: type } = value as { readonly $type?: string };
	if (type === undefined) return Object.fromEntries(entries.map(([key, item]) => [key, simplified(item)]));
	if (type === 'tuple') return { $type: 'tuple', items: simplified((value as { readonly items: unknown }).items) };
	if (type === 'int') return value;
	return { $type: /^(float|bytes|set|frozenset|dict)$/.test(type) ? type : 'opaque' };
}

const tasks = captured(/^tasks-(?!exotic)/).flatMap(({ file, items }) =>
	items.flatMap((item, at) => (item.decoded === undefined ? [] : [{ label: `${file} ${at}`, item }])),
);

describe('a task in a packet', () => {
	it('was captured in many forms', () => {
		expect(tasks.length).toBeGreaterThan(25);
	});

	it.each(tasks)('is read as Python reads it: $label', ({ item }) => {
		const task = read(item.wire_ascii);
		if (!task.ok) throw new Error(task.error.message);
		const decoded = item.decoded as Decoded;
		const { func } = decoded;
		expect(task.value).toMatchObject({
			id: decoded.id,
			name: decoded.name,
			func: typeof func === 'string' ? func : `${func.module}.${func.name}`,
			group: decoded.group ?? null,
			hook: decoded.hook ?? null,
			timeout: decoded.timeout ?? null,
			chained: decoded.chain?.length ?? 0,
		});
		const { args = [], kwargs = [] } = task.value.arguments ?? {};
		expect(notation({ kind: 'tuple', items: args })).toEqual(simplified(decoded.args));
		expect(Object.fromEntries(kwargs.map(([key, value]) => [key, notation(value)]))).toEqual(
			simplified(decoded.kwargs),
		);
	});

	it.each(captured(/^tasks-exotic/).flatMap(({ items }) => items.map((item, at) => ({ at, item }))))(
		'with things of other classes is read, and nothing of it run: $at',
		({ item }) => {
			expect(read(item.wire_ascii)).toMatchObject({ ok: true, value: { id: expect.stringMatching(/^[0-9a-f]{32}$/) } });
		},
	);

	it.each([
		['not-zlib', 'undecodable'],
		['dot-but-not-zlib', 'undecodable'],
		['truncated-pickle', 'undecodable'],
		['bad-opcode', 'undecodable'],
		['zip-bomb-20MiB', 'too-large'],
		['deep-nesting', 'undecodable'],
		['self-reference', 'undecodable'],
		['reduce-os-system', 'undecodable'],
	])('is refused where it is none: %s', (name, code) => {
		const item = captured(/^negative/)[0]?.items.find((one) => one.name === name);
		expect(read(item?.wire_ascii ?? '')).toMatchObject({ ok: false, error: { code } });
	});
});

describe('a task of our own', () => {
	const signing = { prefix: 'shop', secretKey: 'secret', digest: 'sha256' } as const;
	const call = {
		id: '0'.repeat(32),
		name: 'from here',
		func: 'shop.tasks.send',
		arguments: { args: [{ kind: 'int', text: '9223372036854775808' }], kwargs: [['to', { kind: 'str', value: 'é' }]] },
		group: 'mails',
		hook: null,
		timeout: 15,
		cluster: null,
	} as const;
	const how = { now: 1_795_233_723_456, aware: true, compress: false };

	it('comes back as it was written', () => {
		fc.assert(
			fc.property(fc.boolean(), fc.boolean(), (aware, compress) => {
				const wire = writeTask(call, signing, { ...how, aware, compress });
				if (!wire.ok) throw new Error(wire.error.message);
				const packet = readPacket(wire.value);
				if (!packet.ok) throw new Error(packet.error.message);
				const facts = { others: [], expected: 'sha256', keyProven: false } as const;
				expect(checkSignature(packet.value, signing, facts)).toEqual({ kind: 'valid' });
				expect(readTask(packet.value)).toEqual({
					ok: true,
					value: { ...call, enqueuedAt: 1_795_233_723_000, chained: 0, chain: null, options: [] },
				});
			}),
		);
	});

	it.each([
		[{ id: 'x' }, 'id'],
		[{ func: 'send' }, 'dotted path'],
		[{ func: 'os.system; x' }, 'dotted path'],
		[{ name: 'n'.repeat(101) }, 'name has 101'],
		[{ group: 'n'.repeat(101) }, 'group has 101'],
	])('is refused where the site could not keep it: %j', (change, said) => {
		expect(writeTask({ ...call, ...change }, signing, how)).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', message: expect.stringContaining(said) },
		});
	});
});

/** For the long version on a busy machine. */
const LONG_MS = 600_000;

describe('changed packets', () => {
	it(
		'are read or refused, and never throw',
		() => {
			const wires = captured(/^(tasks|stats)-/).flatMap(({ items }) => items.map((item) => item.wire_ascii));
			fc.assert(
				fc.property(
					fc.constantFrom(...wires),
					fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
					fc.boolean(),
					(wire, changes, inside) => {
						if (!inside) {
							const text = [...wire];
							for (const [at, code] of changes) text[at % text.length] = String.fromCharCode(code);
							read(text.join(''));
							return;
						}
						const packet = readPacket(wire);
						if (!packet.ok) throw new Error(packet.error.message);
						const bytes = Buffer.from(packet.value.body, 'base64url');
						for (const [at, code] of changes) bytes[at % bytes.length] = code;
						readTask({ ...packet.value, body: bytes.toString('base64url') });
					},
				),
				{ numRuns: process.env.WARREN_LONG === undefined ? 3_000 : 100_000 },
			);
		},
		LONG_MS,
	);
});
