import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	checkSignature,
	type Digest,
	type Packet,
	pickleOf,
	readPacket,
	STAT_LIMIT,
	TASK_LIMIT,
	writePacket,
} from '#main/dialects/django-q/packet.ts';
import { captured } from './fixtures.ts';

const NOBODY = { others: [], expected: null, keyProven: false } as const;

function packetOf(text: string): Packet {
	const read = readPacket(text);
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
}

const real = captured(/^(tasks|stats)-/).flatMap(({ file, secret_key, prefix, items }) =>
	items.map((item, at) => ({ label: `${file} ${at}`, secretKey: secret_key, prefix: item.prefix ?? prefix, item })),
);

describe('packets captured from clusters', () => {
	it('are at hand in number', () => {
		expect(real.length).toBeGreaterThan(60);
	});

	it.each(real)('are taken apart, verified and unpacked: $label', ({ item, secretKey, prefix }) => {
		const packet = packetOf(item.wire_ascii);
		const signedBy = item.salt === undefined ? prefix : item.salt.replace(/signer$/, '');
		expect(checkSignature(packet, { prefix: signedBy, secretKey }, NOBODY)).toEqual({ kind: 'valid' });
		if (item.algorithm !== undefined) expect(packet.digest).toBe(item.algorithm);
		if (item.timestamp_unix !== undefined) expect(packet.signedAt).toBe(item.timestamp_unix * 1_000);
		if (item.compressed !== undefined) expect(packet.compressed).toBe(item.compressed);
		const pickle = pickleOf(packet, TASK_LIMIT);
		expect(pickle.ok && Buffer.from(pickle.value).toString('base64')).toBe(item.pickle_base64);
	});

	it.each(real.filter(({ item }) => !item.wire_ascii.startsWith('.')))(
		'are signed again to the same bytes: $label',
		({ item, secretKey, prefix }) => {
			const packet = packetOf(item.wire_ascii);
			const pickle = pickleOf(packet, TASK_LIMIT);
			if (!pickle.ok) throw new Error(pickle.error.message);
			const signedBy = item.salt === undefined ? prefix : item.salt.replace(/signer$/, '');
			const signing = { prefix: signedBy, secretKey, digest: packet.digest as Digest };
			expect(writePacket(pickle.value, signing, { now: packet.signedAt + 999, compress: false })).toBe(item.wire_ascii);
		},
	);
});

describe('packets that are not right', () => {
	const negative = captured(/^negative/)[0];
	const ours = { prefix: negative?.prefix ?? '', secretKey: negative?.secret_key ?? '' };
	const wire = (name: string) => negative?.items.find((item) => item.name === name)?.wire_ascii ?? name;

	it.each([
		'no-separator',
		'one-separator',
		'empty',
		'::',
		'a::',
		'YQ:!:x',
		'Y Q:1:x',
		'a:1:x',
		`YQ:${'z'.repeat(10)}:x`,
	])('are refused where they are no packets: %s', (name) => {
		const read = readPacket(wire(name));
		expect(read).toMatchObject({ ok: false, error: { code: 'undecodable' } });
	});

	it.each(['tampered-payload', 'tampered-timestamp', 'tampered-signature'])('were changed: %s', (name) => {
		const packet = packetOf(wire(name));
		expect(checkSignature(packet, ours, { ...NOBODY, keyProven: true })).toEqual({ kind: 'not-ours' });
	});

	it('tell a wrong key from a wrong prefix and from another digest', () => {
		expect(checkSignature(packetOf(wire('wrong-key')), ours, { ...NOBODY, others: ['a'] })).toEqual({
			kind: 'wrong-key',
		});
		const good = real.find(({ prefix, item }) => prefix === 'fixq32' && item.algorithm === 'sha256');
		if (good === undefined) throw new Error('no such packet');
		const packet = packetOf(good.item.wire_ascii);
		const { secretKey } = good;
		expect(checkSignature(packet, { prefix: 'shop', secretKey }, { ...NOBODY, others: ['shop', 'fixq32'] })).toEqual({
			kind: 'other-prefix',
			prefix: 'fixq32',
		});
		expect(checkSignature(packet, { prefix: 'fixq32', secretKey }, { ...NOBODY, expected: 'sha1' })).toEqual({
			kind: 'other-digest',
			is: 'sha256',
			expected: 'sha1',
		});
		expect(checkSignature(packetOf('YQ:1:short'), ours, NOBODY)).toEqual({ kind: 'no-signature' });
	});

	it('are not inflated beyond the limit, and what is not zlib is said', () => {
		expect(pickleOf(packetOf(wire('zip-bomb-20MiB')), TASK_LIMIT)).toMatchObject({ error: { code: 'too-large' } });
		expect(pickleOf(packetOf(wire('dot-but-not-zlib')), TASK_LIMIT)).toMatchObject({ error: { code: 'undecodable' } });
		const long = `${'A'.repeat(STAT_LIMIT * 2)}:1:x`;
		expect(pickleOf(packetOf(long), STAT_LIMIT)).toMatchObject({ error: { code: 'too-large' } });
	});
});

describe('packets of our own', () => {
	it('come back as they were written, whatever they hold', () => {
		fc.assert(
			fc.property(
				fc.uint8Array({ maxLength: 400 }),
				fc.string({ unit: 'grapheme' }),
				fc.string({ unit: 'grapheme' }),
				fc.constantFrom<Digest>('sha1', 'sha256'),
				fc.integer({ min: 0, max: 4_102_444_800 }),
				fc.boolean(),
				(pickle, prefix, secretKey, digest, seconds, compress) => {
					const text = writePacket(pickle, { prefix, secretKey, digest }, { now: seconds * 1_000 + 1, compress });
					expect(text).toMatch(/^[\x21-\x7e]+$/);
					const packet = packetOf(text);
					expect(packet).toMatchObject({ digest, signedAt: seconds * 1_000 });
					expect(checkSignature(packet, { prefix, secretKey }, NOBODY)).toEqual({ kind: 'valid' });
					const read = pickleOf(packet, TASK_LIMIT);
					expect(read.ok && Buffer.compare(Buffer.from(read.value), Buffer.from(pickle))).toBe(0);
				},
			),
		);
	});

	it('are compressed only where it is more than a byte shorter', () => {
		const signing = { prefix: 'a', secretKey: 'b', digest: 'sha256' } as const;
		expect(writePacket(new Uint8Array(200), signing, { now: 0, compress: true })).toMatch(/^\./);
		expect(writePacket(Uint8Array.of(1, 2, 3), signing, { now: 0, compress: true })).not.toMatch(/^\./);
	});
});
