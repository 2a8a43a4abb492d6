/**
 * Fills a list of django-q's with signed packets that are all different, in a process of its own so that its memory is not counted as
 * Warren's. They are pushed by the hundred, many pushes in flight. Arguments: Redis URL, queue, how many, secret key.
 */
import { Redis } from 'ioredis';
import { packetKey } from '#main/brokers/packets.ts';
import { pickleOf, readPacket, TASK_LIMIT, writePacket } from '#main/dialects/django-q/packet.ts';
import { writeTask } from '#main/dialects/django-q/task.ts';

const [url = '', queue = '', given = '', secretKey = ''] = process.argv.slice(2);
const count = Number(given);
const signing = { prefix: queue, secretKey, digest: 'sha256' } as const;
const FUNCTIONS = ['shop.mails.send', 'shop.orders.confirm', 'shop.stock.count', 'shop.reports.render'];
const GROUPS = 50;
const PUSH = 200;
const IN_FLIGHT = 40;
const ID = '0'.repeat(32);
const GROUP = 'batch-0000';

/** A pickle in whose place others are written: pickling each anew would take the most of the time. */
function template(func: string) {
	const text = writeTask(
		{
			id: ID,
			name: 'bench',
			func,
			arguments: {
				args: [{ kind: 'int', text: '4711' }],
				kwargs: [['to', { kind: 'str', value: 'somebody@shop.example' }]],
			},
			group: GROUP,
			hook: null,
			timeout: null,
			cluster: null,
		},
		signing,
		{ now: Date.now(), aware: true, compress: false },
	);
	const packet = text.ok ? readPacket(text.value) : text;
	const pickle = packet.ok ? pickleOf(packet.value, TASK_LIMIT) : packet;
	if (!pickle.ok) throw new Error(pickle.error.message);
	const bytes = Buffer.from(pickle.value);
	return { bytes, id: bytes.indexOf(ID), group: bytes.indexOf(GROUP) + GROUP.length - 4 };
}

const templates = FUNCTIONS.map(template);
const redis = new Redis(url);
const started = performance.now();
const firstAt = Date.now() - count;
let bytes = 0;
let flying: Promise<number>[] = [];
for (let at = 0; at < count; at += PUSH) {
	const packets: string[] = [];
	for (let n = at; n < Math.min(at + PUSH, count); n += 1) {
		const pickle = templates[n % templates.length] as (typeof templates)[number];
		pickle.bytes.write(n.toString(16).padStart(32, '0'), pickle.id, 'latin1');
		pickle.bytes.write(String(n % GROUPS).padStart(4, '0'), pickle.group, 'latin1');
		const packet = writePacket(pickle.bytes, signing, { now: firstAt + n, compress: false });
		bytes += packet.length;
		packets.push(packet);
	}
	flying.push(redis.rpush(packetKey(queue), ...packets));
	if (flying.length < IN_FLIGHT) continue;
	await Promise.all(flying);
	flying = [];
}
await Promise.all(flying);
await redis.quit();
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1_000, bytes }));
