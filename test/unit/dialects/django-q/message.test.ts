/** django-q's packets as messages: read whoever signed them, written so that they read the same, and cloned. */
import { describe, expect, it } from 'vitest';
import { signatureOf } from '#main/dialects/django-q/check.ts';
import {
	type PacketSite,
	packetAgain,
	packetIdOf,
	readPacketMessage,
	writePacketMessage,
} from '#main/dialects/django-q/message.ts';
import { readPacket } from '#main/dialects/django-q/packet.ts';
import { skimsFor } from '#main/dialects/django-q/skim.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import { listPickle } from '#main/dialects/python/pickle-listing.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { ok } from '#main/domain/result.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { captured } from './fixtures.ts';

const site: PacketSite = {
	prefix: 'shop',
	secretKey: 'key',
	digest: 'sha256',
	aware: true,
	now: Date.UTC(2026, 0, 2, 3, 4, 5),
	assumed: null,
};
const call: CallArguments = {
	args: [
		{ kind: 'bytes', base64: 'AP8=' },
		{ kind: 'tuple', items: [{ kind: 'int', text: '9223372036854775808' }] },
	],
	kwargs: [['set', { kind: 'set', items: [{ kind: 'str', value: 'é' }] }]],
};
const [A, B] = ['a'.repeat(32), 'b'.repeat(32)];
const files = captured(/^tasks-/);
const written = () => {
	const message = writePacketMessage({ id: A, name: 'shop.tasks.send', call, queue: 'shop' }, site, {
		name: null,
		group: 'mails',
		hook: 'shop.tasks.done',
		timeout: 30,
	});
	if (!message.ok) throw new Error(message.error.message);
	return message.value;
};
const check = { secretKey: 'key', prefixes: ['shop'], expected: null, keyProven: false };
const signed = (body: Uint8Array, more: Partial<Parameters<typeof signatureOf>[1]> = {}) => {
	const packet = readPacket(Buffer.from(body).toString('latin1'));
	if (!packet.ok) throw new Error(packet.error.message);
	return signatureOf(packet.value, { ...check, ...more });
};

describe('a packet as a message', () => {
	it('reads as what was written, options and all', () => {
		const message = written();
		expect(message).toMatchObject({ exchange: '', routingKey: 'shop', properties: {} });
		const read = readPacketMessage(message.body);
		expect(read).toMatchObject({
			kind: 'task',
			task: { name: 'shop.tasks.send', messageId: A, publishedAt: site.now, call },
			queued: { group: 'mails', hook: 'shop.tasks.done', timeout: 30, cluster: null, chained: 0 },
		});
		expect(packetIdOf(message.body)).toBe(A);
	});

	it('is told by the ids that its bytes hold from those that it cannot be of, compressed or not', () => {
		const bodies = files.flatMap(({ items }) => items.map(({ wire_ascii }) => Buffer.from(wire_ascii, 'latin1')));
		const known = bodies.flatMap((body) => {
			const id = packetIdOf(body);
			return id === null ? [] : [{ body, id }];
		});
		expect(known.length).toBeGreaterThan(30);
		for (const { body, id } of known) {
			expect(skimsFor([B, id])(body)).toBe(true);
			expect(skimsFor([B])(body)).toBe(false);
		}
		expect(skimsFor([B])(Buffer.from('no packet'))).toBe(false);
	});

	it('of every captured site reads without a key, with its function and its arguments', () => {
		const all = files.flatMap(({ items }) => items).filter(({ wire_ascii }) => wire_ascii !== undefined);
		expect(all.length).toBeGreaterThan(30);
		for (const { wire_ascii } of all) {
			const read = readPacketMessage(Buffer.from(wire_ascii, 'latin1'));
			expect(read.kind, read.kind === 'fault' ? read.fault.reason : '').toBe('task');
			if (read.kind === 'task') expect(read.task.name).toMatch(/\w/);
		}
	});

	it('that is none is a fault that says why, and never throws', () => {
		for (const { items } of captured(/^negative/)) {
			for (const { wire_ascii } of items) {
				expect(['task', 'fault']).toContain(readPacketMessage(Buffer.from(wire_ascii, 'latin1')).kind);
			}
		}
		expect(readPacketMessage(Buffer.from([0xff, 0, 1]))).toMatchObject({
			kind: 'fault',
			fault: { reason: expect.stringContaining('not a packet of django-q') },
		});
	});

	it('goes to another queue of the site under its name', () => {
		const message = writePacketMessage({ id: A, name: 'a.b', call, queue: 'bulk' }, site);
		if (!message.ok) throw new Error(message.error.message);
		expect(message.value.routingKey).toBe('bulk');
		expect(readPacketMessage(message.value.body)).toMatchObject({ queued: { cluster: 'bulk' } });
		expect(signed(message.value.body).verified).toBe(true);
	});
});

describe("a packet's signature", () => {
	it('is right, wrong or not checked, with the likely cause', () => {
		const { body } = written();
		expect(signed(body)).toEqual({ verified: true, digest: 'sha256', prefix: 'shop', doubt: null });
		expect(signed(body, { secretKey: null })).toMatchObject({ verified: null, doubt: null });
		expect(signed(body, { secretKey: 'other' })).toMatchObject({
			verified: false,
			doubt: expect.stringContaining('SECRET_KEY'),
		});
		expect(signed(body, { secretKey: 'other', keyProven: true })).toMatchObject({
			verified: false,
			doubt: expect.stringContaining('changed'),
		});
		expect(signed(body, { expected: 'sha1' })).toMatchObject({
			verified: false,
			doubt: expect.stringContaining('sha1'),
		});
	});

	it('is found under any of the names that are known', () => {
		expect(signed(written().body, { prefixes: ['blog', 'shop'] })).toMatchObject({ verified: true, prefix: 'shop' });
	});
});

describe('a packet once more', () => {
	it('has another id and the same everything else, foreign objects too', () => {
		let cloned = 0;
		for (const { items, secret_key, prefix = 'shop' } of files) {
			for (const { wire_ascii } of items) {
				const body = Buffer.from(wire_ascii, 'latin1');
				const before = readPacketMessage(body);
				if (before.kind === 'fault') continue;
				const again = packetAgain(
					{ exchange: '', routingKey: 'q', properties: {}, body },
					{ id: B },
					{ ...site, secretKey: secret_key, prefix },
				);
				if (!again.ok) throw new Error(again.error.message);
				const after = readPacketMessage(again.value.body);
				if (after.kind === 'fault') throw new Error(after.fault.reason);
				expect(after.queued).toEqual({ ...before.queued, id: B, enqueuedAt: site.now });
				expect(signed(again.value.body, { secretKey: secret_key, prefixes: [prefix] }).verified).toBe(true);
				cloned += 1;
			}
		}
		expect(cloned).toBeGreaterThan(30);
	});

	it('takes other arguments and keeps its options', () => {
		const dialect = messageDialect({ framework: 'django-q', dialect: CARROT_DIALECT }, ok(site));
		const other: CallArguments = { args: [{ kind: 'none' }], kwargs: [] };
		const again = dialect.again(written(), { id: B, now: 0, call: other });
		if (!again.ok) throw new Error(again.error.message);
		expect(readPacketMessage(again.value.body)).toMatchObject({
			task: { messageId: B, call: other },
			queued: { group: 'mails', hook: 'shop.tasks.done', timeout: 30 },
		});
	});

	it('needs the key, and says how to give it', () => {
		const dialect = messageDialect({ framework: 'django-q', dialect: CARROT_DIALECT });
		expect(dialect.again(written(), { id: B, now: 0 })).toMatchObject({ ok: false, error: { code: 'unsupported' } });
	});
});

describe("a pickle's instructions", () => {
	const pickles = files.flatMap(({ items }) => items).flatMap(({ pickle_base64 }) => pickle_base64 ?? []);

	it('are listed from first to last for every captured packet', () => {
		expect(pickles.length).toBeGreaterThan(30);
		for (const pickle of pickles) {
			const listing = listPickle(Buffer.from(pickle, 'base64'), 100_000);
			expect(listing.ended).toBeNull();
			expect(listing.instructions[0]).toMatchObject({ offset: 0, name: 'PROTO' });
			expect(listing.instructions.at(-1)).toMatchObject({ name: 'STOP' });
		}
	});

	it('are listed as far as they go where the pickle is cut, damaged or too long', () => {
		const pickle = Buffer.from(pickles[0] ?? '', 'base64');
		expect(listPickle(pickle.subarray(0, 20), 100).ended).toMatch(/in the middle|no STOP/);
		expect(listPickle(pickle, 3)).toMatchObject({ instructions: { length: 3 }, ended: expect.stringContaining('3') });
		expect(listPickle(Uint8Array.of(0x80, 4, 0x00), 100).ended).toContain('0x00');
		expect(listPickle(Uint8Array.of(0x8e, 255, 255, 255, 255, 255, 255, 255, 127), 9).ended).toContain('in the middle');
		expect(listPickle(Uint8Array.of(0x8a, 1, 0xff, 0x2e, 0x2e), 9)).toMatchObject({
			instructions: [{ name: 'LONG1', argument: '-1' }, { name: 'STOP' }],
			ended: expect.stringContaining('1 more'),
		});
	});
});
