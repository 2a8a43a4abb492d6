/** Hearing which workers say that they end, while somebody tells them to: `shutdown` is the one command that nobody answers. */
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { eventFeeds } from './celery-feeds.ts';
import type { Ports } from './ports.ts';

/** How long a broker may take to be reached, in ms. */
const REACH_MS = 10_000;
const PREFETCH = 500;

/** Listens for `worker-offline`; resolves once it does, or with why it cannot. */
export async function hearEndings(
	ports: Ports,
	profiles: Profiles,
	profile: Profile,
	onStopped: (node: string) => void,
): Promise<Result<AsyncDisposable>> {
	const feeds = eventFeeds(ports, profiles, profile, { patterns: ['worker.#'], keep: null });
	if (!feeds.ok) return feeds;
	const listening = Promise.withResolvers<void>();
	const feed = feeds.value.open({
		prefetch: PREFETCH,
		onMessage(message) {
			for (const event of feeds.value.read(message).events) {
				if (event.group === 'worker' && event.what === 'offline') onStopped(event.hostname);
			}
			feed.settle(message);
		},
		onStart: () => listening.resolve(),
		// Without its ear the command goes out all the same; then nobody is seen to stop.
		onTrouble: () => listening.resolve(),
	});
	using _patience = ports.clock.after(REACH_MS, listening.resolve);
	feed.connect();
	await listening.promise;
	return ok(feed);
}
