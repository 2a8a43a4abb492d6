/** The queues of a profile with all that can be told of them, by whichever doors answer: management API, broker, workers. */
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { ManagementQueues } from '#main/brokers/rabbitmq/management.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import {
	type DelayedMessages,
	depthOf,
	isPlumbingName,
	oldestAge,
	type QueueView,
	untold,
} from '#main/domain/queue-depth.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { QueueList } from '#main/ipc/contract/deployment.ts';
import { celeryOf } from './celery-settings.ts';
import type { Core } from './core.ts';
import { managementOf } from './management-settings.ts';
import { type AskWorkers, holdingsOf } from './worker-holdings.ts';

const READY_MS = 10_000;
/** Celery's native delayed delivery: queue n holds messages for 2^n seconds. */
const DELAY_LEVELS = Array.from({ length: 28 }, (_, level) => `celery_delayed_${level}`);
/** How long it is taken for granted that a deployment delays nothing natively, in ms: each question closes a channel. */
const NO_DELAYS_MS = 60_000;

export interface QueueFigureSource {
	/** All queues that are known, with figures from now. */
	list(profile: Profile, signal: AbortSignal): Promise<Result<QueueList>>;
}

/** Makes the source of one engine's figures. */
export function createQueueFigures(
	core: Pick<Core, 'deployments' | 'profiles' | 'store' | 'ports'>,
	ask: AskWorkers,
): QueueFigureSource {
	const { clock } = core.ports;
	/** Until when a profile is known to have no queues of delays, on the monotonic clock. */
	const undelayed = new Map<ProfileId, number>();

	async function byDriver(profile: Profile, driver: BrokerDriver, names: readonly string[]) {
		const ready = await driver.ready(READY_MS);
		if (!ready.ok) return ready;
		const lists = driver.capabilities.listsQueues;
		const listed = lists ? await driver.queues([]) : ok([]);
		if (!listed.ok) return listed;
		// Those that a profile names and the broker does not list are shown as what they are: not there.
		const others = names.filter((name) => !listed.value.some((queue) => queue.name === name));
		if (others.length === 0 && listed.value.length === 0 && !lists) {
			others.push(profile.framework === 'celery' ? 'celery' : 'default');
		}
		const asked = others.length > 0 ? await driver.queues(others) : ok([]);
		return asked.ok ? ok([...listed.value, ...asked.value]) : asked;
	}

	async function delayedByAmqp(profile: Profile, driver: BrokerDriver): Promise<DelayedMessages> {
		const source = 'AMQP passive declare';
		const none = { count: 0, source, at: clock.now(), why: null };
		if ((undelayed.get(profile.id) ?? 0) > clock.monotonic()) return none;
		const first = await driver.queues(DELAY_LEVELS.slice(0, 1));
		if (!first.ok) return untold(first.error.message);
		if (first.value[0]?.exists !== true) {
			undelayed.set(profile.id, clock.monotonic() + NO_DELAYS_MS);
			return none;
		}
		const all = await driver.queues(DELAY_LEVELS);
		return all.ok ? { ...sumOf(all.value), source, at: clock.now(), why: null } : untold(all.error.message);
	}

	return {
		async list(profile, signal) {
			const driver = core.deployments.driver(profile);
			const known = await core.store.history.queues(profile.id);
			const names = [...new Set([...profile.queues, ...known])];
			const management = managementOf(core.profiles, profile, clock.now);
			const vhost = profile.broker.kind === 'amqp' ? profile.broker.vhost : '/';
			const celery = profile.framework === 'celery';
			const [through, exchanges, answers] = await Promise.all([
				management?.queues(vhost, signal) ?? null,
				celery ? (management?.delayedExchanges(vhost, signal) ?? null) : null,
				celery ? ask(profile, signal) : `${profile.framework} has no way to ask its workers.`,
			]);
			const managed: ManagementQueues | null = through?.ok === true ? through.value : null;
			const unlisted = managed === null ? names : names.filter((name) => !managed.figures.some((q) => q.name === name));
			let figures: readonly QueueFigures[];
			if (managed === null) {
				const asked = await byDriver(profile, driver, names);
				if (!asked.ok) return asked;
				figures = asked.value;
			} else {
				const at = clock.now();
				const absent = unlisted.map((name): QueueFigures => {
					return { name, exists: false, ready: null, unacked: null, consumers: null, at, source: 'management' };
				});
				// Beyond what was read, a queue that is not among it may exist all the same.
				const others = managed.complete ? ok(absent) : await driver.queues(unlisted);
				if (!others.ok) return others;
				figures = [...managed.figures, ...others.value];
			}
			let delayed: DelayedMessages = { count: 0, source: 'nothing delays here', at: clock.now(), why: null };
			if (celery && profile.broker.kind === 'amqp') {
				if (managed === null) delayed = await delayedByAmqp(profile, driver);
				else {
					const levels = managed.figures.filter((queue) => DELAY_LEVELS.includes(queue.name));
					delayed = { ...sumOf(levels), source: 'management API', at: clock.now(), why: null };
				}
				if (exchanges?.ok === true && exchanges.value.length > 0) {
					const which = exchanges.value.join(', ');
					delayed = untold(`The plugin x-delayed-message holds messages of ${which}, which nothing counts.`);
				}
			}
			const holdings = typeof answers === 'string' ? answers : holdingsOf(answers);
			const shown = figures.filter(
				(queue) => profile.queues.includes(queue.name) || !isPlumbingName(queue.name, celeryOf(profile)),
			);
			const now = clock.now();
			const items = shown
				.map((queue): QueueView => {
					const held = typeof holdings === 'string' ? holdings : (holdings.byQueue.get(queue.name) ?? holdings.none);
					return { ...queue, depth: depthOf(queue, held, partOf(delayed)), oldestAgeMs: oldestAge(queue, now) };
				})
				.sort((a, b) => a.name.localeCompare(b.name));
			return ok({
				items,
				total: items.length,
				complete: managed?.complete ?? driver.capabilities.listsQueues,
				delayed,
				hidden: figures.length - shown.length,
				management:
					through === null
						? { state: 'none', reason: null }
						: through.ok
							? { state: 'used', reason: null }
							: { state: 'down', reason: through.error.message },
			});
		},
	};
}

function sumOf(queues: readonly QueueFigures[]): { readonly count: number | null } {
	const there = queues.filter((queue) => queue.exists);
	if (there.some((queue) => queue.ready === null)) return { count: null };
	return { count: there.reduce((sum, queue) => sum + (queue.ready ?? 0) + (queue.unacked ?? 0), 0) };
}

/** What is delayed for one queue: their queues hold the messages of all, so it can be told only when there are none. */
function partOf(delayed: DelayedMessages): DelayedMessages {
	if (delayed.count === 0) return delayed;
	if (delayed.count === null) return untold(delayed.why ?? 'Celery’s queues of delays have no figures yet.');
	return untold(
		`${delayed.count} are in Celery’s queues of delayed delivery, which hold those of all queues together.`,
	);
}
