/** What django-q needs of a Redis: lists of packets, and heartbeats. Rights to change are tried by changes that find nothing to change. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../domain/clock.ts';
import { heldFrom, packetKey, queueOfPacketKey } from '../../packets.ts';
import { scanKeys } from '../bindings.ts';
import { failed, passed, type RedisExam, rightsVerdict, type Verdict, warning } from '../exam.ts';
import type { ByteCommand, Link } from '../link.ts';
import { lengths } from '../lists.ts';

/** How long the keys of a database may be gone through, in ms. */
const SCAN_MS = 8_000;
/** Lists that are named. */
const NAMED = 10;

/** The exam of a broker of django-q's. */
export function packetExam(clock: Clock): RedisExam {
	return {
		rights: (link, queues) => rightsOf(link, queues[0] ?? 'default'),
		queues: (link, queues) => queuesOf(link, queues, clock),
	};
}

/** The exam of a Redis with Django's cache, in which clusters beat that have another broker. Nothing there is ever changed. */
export function cacheExam(): RedisExam {
	return {
		rights: async (link) => {
			const nothing = `:1:warren-probe-${randomUUID()}`;
			const reads: readonly ByteCommand[] = [
				['SCAN', 0, 'MATCH', nothing, 'COUNT', 1],
				['GET', nothing],
			];
			const rights = await rightsVerdict(link, reads, [], '~* +@read +@connection +info');
			return rights.status === 'passed' ? passed('This user may look; nothing is changed here.') : rights;
		},
		queues: async () => ({
			status: 'skipped',
			finding: "The site's tasks wait in a broker of its own, which Warren does not read: only its clusters are seen.",
			cure: null,
		}),
	};
}

async function rightsOf(link: Link, queue: string): Promise<Verdict> {
	const list = packetKey(queue);
	const nothing = `warren-probe-${randomUUID()}`;
	return await rightsVerdict(
		link,
		[
			['SCAN', 0, 'MATCH', nothing, 'COUNT', 1],
			['GET', `django_q:${queue}:cluster:${nothing}`],
			['LLEN', list],
			['LINDEX', list, 0],
			['EVAL', "return redis.call('LRANGE', KEYS[1], 0, 0)", 1, list],
		],
		[
			['LREM', list, 1, nothing],
			// All of it stays.
			['LTRIM', list, 0, -1],
			['EVAL', "return redis.call('LREM', KEYS[1], 1, ARGV[1])", 1, list, nothing],
			['UNLINK', `django_q:${nothing}:q`],
		],
		'~django_q:* +@read +@write +@scripting +@connection +info',
	);
}

async function queuesOf(link: Link, named: readonly string[], clock: Clock): Promise<Verdict> {
	const found = await scanKeys(link, packetKey('*'), clock, SCAN_MS);
	if (!found.ok) return failed(found.error.message, 'Check the rights of the user, and the address.');
	const there = found.value.keys.flatMap((key) => queueOfPacketKey(key) ?? []).sort();
	const names = [...new Set([...named, ...there])];
	const counted = await lengths(link, names.map(packetKey));
	if (!counted.ok) {
		return warning(
			counted.error.message,
			`django-q's lists are ${packetKey('<name>')}; something else uses one of these keys.`,
		);
	}
	const words = names.map((name, at) => {
		const held = heldFrom(name);
		return `${held === null ? packetKey(name) : `held of ${held}`} (${counted.value[at] ?? 0} waiting)`;
	});
	// An empty list has no key, so that nothing here is nothing wrong.
	if (words.length === 0) return passed("No list of django-q's holds anything now: an empty one has no key.");
	const more = words.length > NAMED ? ` and ${words.length - NAMED} more` : '';
	return passed(`Lists: ${words.slice(0, NAMED).join(', ')}${more}.`);
}
