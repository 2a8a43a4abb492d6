/** What Celery needs of a Redis, as kombu uses it. Rights to change are tried by changes that find nothing to change. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import type { RedisBrokerAddress } from '../../domain/profile.ts';
import { Bindings } from './bindings.ts';
import { failed, passed, type RedisExam, rightsVerdict, type Verdict, warning } from './exam.ts';
import { queueFigures } from './figures.ts';
import { Keys } from './keys.ts';
import type { ByteCommand, Link } from './link.ts';

/** The exam of a broker of Celery's, whose events go to the exchange of that name. */
export function kombuExam(address: RedisBrokerAddress, clock: Clock, events: string): RedisExam {
	const keys = new Keys(address);
	return {
		rights: (link, queues) => rightsOf(link, keys, queues[0] ?? 'celery'),
		queues: (link, queues) => queuesOf(link, keys, queues, { clock, events }),
	};
}

async function rightsOf(link: Link, keys: Keys, queue: string): Promise<Verdict> {
	const nothing = `warren-probe-${randomUUID()}`;
	const [list = queue] = keys.steps(queue);
	const binding = keys.binding(queue);
	const reads: readonly ByteCommand[] = [
		['SCAN', 0, 'MATCH', nothing, 'COUNT', 1],
		['LLEN', list],
		['SISMEMBER', binding, nothing],
		['SSCAN', binding, 0],
		['HLEN', keys.unacked],
		['EVAL', "return redis.call('LRANGE', KEYS[1], -1, -1)", 1, list],
		['EVAL', "return redis.call('HEXISTS', KEYS[1], ARGV[1])", 1, keys.unacked, nothing],
	];
	const changes: readonly ByteCommand[] = [
		['SREM', binding, nothing],
		['HDEL', keys.unacked, nothing],
		['ZREM', keys.index, nothing],
		['SREM', keys.sessions, nothing],
		['DEL', keys.alive(nothing)],
		// All of it stays.
		['LTRIM', list, 0, -1],
	];
	return await rightsVerdict(link, reads, changes, '~* &* +@read +@write +@scripting +@connection +info');
}

async function queuesOf(
	link: Link,
	keys: Keys,
	names: readonly string[],
	{ clock, events }: { readonly clock: Clock; readonly events: string },
): Promise<Verdict> {
	const bindings = new Bindings(keys, clock);
	const figures = await queueFigures(link, names, { keys, bindings, events, now: clock.now });
	if (!figures.ok) return failed(figures.error.message, 'Check the rights of the user, and the address.');
	const found = figures.value.filter((figure) => figure.exists);
	const missing = figures.value.filter((figure) => !figure.exists).map((figure) => figure.name);
	const words = found
		.map((figure) => `${figure.name} (${figure.ready} waiting, ${figure.unacked ?? '?'} held)`)
		.join(', ');
	if (missing.length > 0) {
		return warning(
			`Not there yet: ${missing.join(', ')}.${words === '' ? '' : ` There: ${words}.`}`,
			'Celery’s workers and publishers bind their queues when they start. Otherwise check database and global_keyprefix.',
		);
	}
	if (found.length === 0) {
		return warning(
			'No queue is bound in this database.',
			'Celery’s workers bind theirs when they start. Otherwise check the number of the database and global_keyprefix.',
		);
	}
	return passed(`Found: ${words}.`);
}
