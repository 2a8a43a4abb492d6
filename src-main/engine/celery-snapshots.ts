/** Taking snapshots of a Celery cluster: a queue of its own hears everything, a film holds it, a timer freezes it. */
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { Snapshot } from '#main/domain/snapshot.ts';
import { Film } from '#main/monitor/celery/film.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { eventFeeds } from './celery-feeds.ts';
import type { Ports } from './ports.ts';

const PREFETCH = 1_000;

export interface SnapshotIntent {
	readonly everyMs: number;
	/** Let go after each shot of what has ended, and count anew. */
	readonly clear: boolean;
	readonly onShot: (snapshot: Snapshot) => void;
}

/** Begins; dispose of it to stop. Nothing is kept, and no shot is taken of what brought nothing new. */
export function takeSnapshots(
	ports: Ports,
	profiles: Profiles,
	profile: Profile,
	intent: SnapshotIntent,
): Result<AsyncDisposable> {
	const feeds = eventFeeds(ports, profiles, profile, { patterns: ['#'], keep: null });
	if (!feeds.ok) return feeds;
	const { clock, log } = ports;
	const film = new Film(profile.id, clock.now());
	let trouble: string | null = 'Not connected to the broker yet.';
	const feed = feeds.value.open({
		prefetch: PREFETCH,
		onMessage(message) {
			const { events, bad } = feeds.value.read(message);
			for (const event of events) film.hear(event, message.receivedAt);
			for (const _ of bad) film.unreadable();
			feed.settle(message);
		},
		onStart() {
			trouble = null;
		},
		onTrouble(reason) {
			trouble = reason;
			log.warn('snapshot.trouble', { profile: profile.id, reason });
		},
	});
	let timer: Disposable | null = null;
	const again = () => {
		timer = clock.after(intent.everyMs, () => {
			const shot = film.shoot(clock.now(), { clear: intent.clear, trouble });
			if (shot !== null) intent.onShot(shot);
			again();
		});
	};
	again();
	feed.connect();
	return ok({
		async [Symbol.asyncDispose]() {
			timer?.[Symbol.dispose]();
			await feed[Symbol.asyncDispose]();
		},
	});
}
