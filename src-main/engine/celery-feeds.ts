/** Ways to hear the events of a profile's Celery. */
import { createTopicFeed } from '#main/brokers/connect.ts';
import type { HeardMessage, KeptQueue, TopicFeed, TopicIntent } from '#main/brokers/topic.ts';
import type { ReadEvents } from '#main/dialects/celery/events.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { readHeard } from '#main/monitor/celery/reading.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { celeryOf } from './celery-settings.ts';
import { driverContext } from './deployments.ts';
import type { Ports } from './ports.ts';

export type FeedIntent = Pick<TopicIntent, 'onMessage' | 'onStart' | 'onTrouble' | 'prefetch'>;
/** How to hear, and how to read what was heard. */
export interface EventFeeds {
	readonly open: (intent: FeedIntent) => TopicFeed;
	readonly read: (message: HeardMessage) => ReadEvents;
}

/**
 * Makes feeds of a profile's events; `unsupported` where there are none to hear. `patterns` in the exchange's notation. Each feed has
 * a connection and a queue of its own.
 */
export function eventFeeds(
	ports: Ports,
	profiles: Profiles,
	profile: Profile,
	how: { readonly patterns: readonly string[]; readonly keep: KeptQueue | null },
): Result<EventFeeds> {
	if (profile.framework !== 'celery') {
		return fail('unsupported', `"${profile.name}" is no Celery profile: only Celery sends events.`);
	}
	if (profile.broker.kind === 'embedded') {
		return fail('unsupported', 'No Celery worker sends events through the built-in broker.');
	}
	const { broker } = profile;
	const { eventExchange: exchange, eventQueuePrefix: queuePrefix } = celeryOf(profile);
	const context = driverContext(ports, profiles, profile);
	return ok({
		open: (intent) => createTopicFeed(broker, context, { ...intent, ...how, exchange, queuePrefix }),
		read: (message) => readHeard(broker.kind, message),
	});
}

/** The queue that keeps a profile's events while nobody watches. */
export function keptQueue(profile: Profile, minutes: number | undefined): KeptQueue | null {
	return minutes === undefined
		? null
		: { name: `${celeryOf(profile).eventQueuePrefix}.warren.kept.${profile.id}`, forMs: minutes * 60_000 };
}
