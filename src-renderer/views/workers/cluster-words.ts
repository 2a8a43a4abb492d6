/** How django-q's clusters are told. Pure. */
import { duration } from '../../components/format.ts';
import type { IconName } from '../../components/icon-paths.ts';
import type { Tone } from '../../components/states.ts';
import type { ClusterView } from '../../state/engine.ts';

/** A cluster's state in shape, colour and words. */
export interface ClusterLook {
	readonly icon: IconName;
	readonly tone: Tone;
	readonly word: string;
	/** What it means, in a sentence. */
	readonly meaning: string;
}

/** Said wherever a cluster says Idle, since it is read wrongly so easily. */
export const IDLE_WORDS =
	'Idle: nothing waits in it at that instant. A cluster that is busy with a single long task says so too.';

const LIVE: Readonly<Record<ClusterView['beat']['status'], ClusterLook>> = {
	Starting: { icon: 'state-retrying', tone: 'warning', word: 'Starting', meaning: 'Its processes are being started.' },
	Idle: { icon: 'state-queued', tone: 'neutral', word: 'Idle', meaning: IDLE_WORDS },
	Working: {
		icon: 'state-running',
		tone: 'succeeded',
		word: 'Working',
		meaning: 'Tasks or results wait in it, so that its workers are busy.',
	},
	Stopping: {
		icon: 'state-revoked',
		tone: 'warning',
		word: 'Stopping',
		meaning: 'It was told to stop: it takes nothing new, ends what it has, and goes.',
	},
	Stopped: { icon: 'stop', tone: 'neutral', word: 'Stopped', meaning: 'It has said that all of it has ended.' },
};

/** What a cluster says while it lives, and what became of it once it is gone. */
export function clusterLook({ beat, presence }: Pick<ClusterView, 'beat' | 'presence'>): ClusterLook {
	switch (presence) {
		case 'live':
			return LIVE[beat.status];
		case 'late':
			return {
				icon: 'clock',
				tone: 'warning',
				word: `${beat.status}, late`,
				meaning:
					'No heartbeat for over two seconds. A slow database, a slow pass of its scheduler or a long guard_cycle explains it; if it goes on, it is lost.',
			};
		case 'stopped':
			return { ...LIVE.Stopped, meaning: 'It said that it stops, and went. Nothing of it is missing.' };
		case 'lost':
			return {
				icon: 'state-lost',
				tone: 'failed',
				word: 'Lost',
				meaning:
					'It went without a word, as one does that was killed or whose host is gone. What it had taken (TQ, and what ran) is not given back by django-q.',
			};
	}
}

/** `0:12:07`, `117:03:20`: hours are not turned into days, so that ages compare at a glance. */
export function uptime(ms: number): string {
	const seconds = Math.floor(ms / 1_000);
	const two = (value: number): string => String(value).padStart(2, '0');
	return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** How a cluster's clock stands to ours; null: not to be told yet. Under a second is the time that a look takes. */
export function clockWords(skewMs: number | null): string | null {
	if (skewMs === null) return null;
	if (Math.abs(skewMs) < 1_000) return 'right';
	return `${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}`;
}

/** Whether a heartbeat is known to be the site's. */
export function signedWords({ verified, digest }: ClusterView['beat']): string {
	if (verified === null) return 'not checked, the profile has no SECRET_KEY';
	return verified ? `verified (${digest ?? 'unknown'})` : 'does not verify by the SECRET_KEY of this profile';
}

/** What all clusters of a list have together. Those that are gone count for nothing but themselves. */
export interface ClusterSums {
	readonly live: number;
	readonly stopped: number;
	readonly lost: number;
	readonly workers: number;
	readonly restarts: number;
}

/** Adds up what there is. */
export function clusterSums(items: readonly ClusterView[]): ClusterSums {
	const here = items.filter(({ presence }) => presence === 'live' || presence === 'late');
	const sum = (of: (view: ClusterView) => number): number => here.reduce((total, view) => total + of(view), 0);
	return {
		live: here.length,
		stopped: items.filter(({ presence }) => presence === 'stopped').length,
		lost: items.filter(({ presence }) => presence === 'lost').length,
		workers: sum(({ beat }) => beat.workers.length),
		restarts: sum(({ beat }) => beat.reincarnations),
	};
}
