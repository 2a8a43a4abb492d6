/** What the handlers share: the engine's parts, made once by `createEngine`. */
import { randomUUID } from 'node:crypto';
import type { ArgumentDoors } from '#main/actions/argument-sources.ts';
import type { ActionTarget } from '#main/actions/deployment.ts';
import type { Actions } from '#main/actions/progress.ts';
import type { Reviews } from '#main/actions/review.ts';
import type { WaitingReviews } from '#main/actions/waiting-selection.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import type { CeleryReplies } from './celery-replies.ts';
import { tellingOfSent } from './celery-sent.ts';
import type { Clusters } from './clusters.ts';
import type { Consumers } from './consumers.ts';
import type { Deployments } from './deployments.ts';
import type { Ports } from './ports.ts';
import type { Schedules } from './schedules.ts';
import type { TaskLog } from './task-log.ts';
import { sender } from './user-name.ts';

export interface Core {
	readonly ports: Ports;
	readonly store: Store;
	readonly profiles: Profiles;
	readonly deployments: Deployments;
	readonly consumers: Consumers;
	readonly reviews: Reviews;
	readonly waitingReviews: WaitingReviews;
	readonly actions: Actions;
	readonly schedules: Schedules;
	readonly clusters: Clusters;
	readonly replies: CeleryReplies;
	readonly taskLog: TaskLog;
	/** Whom to ask for arguments of a profile's tasks; null: nobody. */
	readonly argumentDoors: (profile: Profile) => ArgumentDoors | null;
}

/** A profile with what actions need of it; connects its broker. */
export async function targetOf(core: Core, nameOrId: string): Promise<Result<ActionTarget>> {
	const profile = await core.profiles.find(nameOrId);
	return profile.ok ? ok(target(core, profile.value)) : profile;
}

/** The same with what django-q's packets for a queue are signed with, or why they cannot be; for other frameworks as it is. */
export async function signedTargetOf(
	core: Core,
	nameOrId: string,
	queue: string | null,
): Promise<Result<ActionTarget>> {
	const found = await targetOf(core, nameOrId);
	if (!found.ok || found.value.profile.framework !== 'django-q') return found;
	return ok({ ...found.value, packets: await core.clusters.signing(found.value.profile, queue) });
}

/** The same for a profile already found. */
export function target(core: Core, profile: Profile): ActionTarget {
	const doors = core.argumentDoors(profile);
	const driver = core.deployments.driver(profile);
	const tell = tellingOfSent(core.ports, profile, driver);
	return {
		...(doors === null ? {} : { doors }),
		profile,
		driver,
		history: core.store.history,
		records: core.store.records,
		journal: core.store.journal,
		leases: core.store.leases,
		now: () => core.ports.clock.now(),
		// django-q's ids have no dashes.
		newId: () => (profile.framework === 'django-q' ? randomUUID().replaceAll('-', '') : randomUUID()),
		origin: sender(),
		...(tell === null ? {} : { tell }),
		replyTo: () => core.replies.queueOf(profile),
	};
}
