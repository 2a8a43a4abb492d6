/** What a packet says in passing is what the reader would say, or nothing: whatever the bytes. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packetNames, readPacketMessage } from '#main/dialects/django-q/message.ts';
import { pickleOf, readPacket, TASK_LIMIT } from '#main/dialects/django-q/packet.ts';
import { skimPacket, skimsFor } from '#main/dialects/django-q/skim.ts';
import { writeTask } from '#main/dialects/django-q/task.ts';
import { captured } from './fixtures.ts';

const wires = captured(/^(tasks|negative)/)
	.flatMap(({ items }) => items.map((item) => item.wire_ascii))
	.filter((wire) => wire !== undefined);
const bodies = wires.map((wire) => Buffer.from(wire, 'latin1'));
/** For the long versions on a busy machine. */
const LONG_MS = 600_000;
const signing = { prefix: 'shop', secretKey: 'key', digest: 'sha256' } as const;

/** The same by the reader; null: it can read none of it. */
function read(body: Uint8Array) {
	const whole = readPacketMessage(body);
	if (whole.kind === 'fault') return null;
	const { id, func, group } = whole.queued;
	return { id, func, group, signedAt: whole.packet.signedAt };
}

function written(id: string, more: { readonly group?: string; readonly name?: string } = {}): Buffer {
	const call = {
		name: 'by hand',
		func: 'shop.tasks.send',
		arguments: { args: [], kwargs: [] },
		group: null,
		hook: null,
		timeout: null,
		cluster: null,
		...more,
		id,
	};
	const wire = writeTask(call, signing, { now: 1_795_000_000_000, aware: true, compress: false });
	if (!wire.ok) throw new Error(wire.error.message);
	return Buffer.from(wire.value, 'latin1');
}

describe('a packet in passing', () => {
	it('says what the reader says of it, for nearly all that sites enqueue', () => {
		const told = bodies.flatMap((body) => {
			const skimmed = skimPacket(body);
			if (skimmed !== null) expect(skimmed).toEqual(read(body));
			return skimmed ?? [];
		});
		expect(told.length).toBeGreaterThan(30);
	});

	it('says texts that are not ASCII as they are', () => {
		expect(skimPacket(written('a'.repeat(32), { group: 'Grüße 🐇' }))).toMatchObject({ group: 'Grüße 🐇' });
	});

	it('leaves to the reader what is large, and is named by it all the same', () => {
		const call = { args: [{ kind: 'str', value: 'x'.repeat(20_000) }], kwargs: [] } as const;
		const wire = writeTask(
			{
				id: 'b'.repeat(32),
				name: 'large',
				func: 'shop.tasks.send',
				arguments: call,
				group: 'large',
				hook: null,
				timeout: null,
				cluster: null,
			},
			signing,
			{ now: 1_795_000_000_000, aware: true, compress: true },
		);
		const body = Buffer.from(wire.ok ? wire.value : '', 'latin1');
		expect(skimPacket(body)).toBeNull();
		expect(packetNames(body)).toEqual({ func: 'shop.tasks.send', group: 'large', signedAt: 1_795_000_000_000 });
	});

	it('is found by an id wherever that stands in it, and by no other', () => {
		// One character more before it moves the id to the next of the three places that base64 has for it.
		const before = ['0', '1', '2'].map((digit) => digit.repeat(32));
		for (const id of before) {
			for (const pad of ['', 'x', 'xx', 'xxx']) {
				const body = written('f'.repeat(32), { group: pad + id });
				expect(skimsFor([id])(body)).toBe(true);
				expect(before.filter((other) => skimsFor([other])(body))).toEqual([id]);
			}
		}
	});

	it(
		'that somebody has tampered with says what the reader says, or nothing, and never throws',
		() => {
			const pickles = wires.flatMap((wire) => {
				const packet = readPacket(wire);
				const pickle = packet.ok ? pickleOf(packet.value, TASK_LIMIT) : packet;
				return pickle.ok && pickle.value.byteLength < 20_000 ? [Buffer.from(pickle.value)] : [];
			});
			const places = fc.nat({ max: 1_000_000 });
			const change = fc.oneof(
				fc.record({
					kind: fc.constant('set' as const),
					at: places,
					bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
				}),
				fc.record({
					kind: fc.constant('add' as const),
					at: places,
					bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
				}),
				fc.record({
					kind: fc.constant('cut' as const),
					at: places,
					bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
				}),
				// What is in it already, once more elsewhere: keys twice, marks, references.
				fc.record({
					kind: fc.constant('copy' as const),
					at: places,
					bytes: fc.uint8Array({ minLength: 2, maxLength: 30 }),
				}),
			);
			let told = 0;
			fc.assert(
				fc.property(
					fc.constantFrom(...pickles),
					fc.array(change, { minLength: 1, maxLength: 4 }),
					fc.boolean(),
					fc.boolean(),
					(pickle, changes, compress, outside) => {
						let bytes: Buffer = pickle;
						for (const { kind, at, bytes: some } of changes) {
							const place = at % bytes.length;
							const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
							const from = (some[0] ?? 0) * 7;
							if (kind === 'set') bytes = Buffer.concat([head, some, tail.subarray(some.length)]);
							else if (kind === 'add') bytes = Buffer.concat([head, some, tail]);
							else if (kind === 'cut') bytes = Buffer.concat([head, tail.subarray(some.length)]);
							else bytes = Buffer.concat([head, bytes.subarray(from, from + some.length), tail]);
							if (bytes.length === 0) return;
						}
						const inner = compress ? `.${deflateSync(bytes).toString('base64url')}` : bytes.toString('base64url');
						const body = Buffer.from(`${inner}:1xUcLf:${'s'.repeat(43)}`, 'latin1');
						const [first] = changes;
						if (outside && first !== undefined) body[first.at % body.length] = first.bytes[0] ?? 0;
						const skimmed = skimPacket(body);
						if (skimmed === null) return;
						told += 1;
						expect(skimmed).toEqual(read(body));
					},
				),
				{ numRuns: process.env.WARREN_LONG === undefined ? 3_000 : 100_000 },
			);
			// About one in twenty-five is still a packet.
			expect(told).toBeGreaterThan(20);
		},
		LONG_MS,
	);
});
