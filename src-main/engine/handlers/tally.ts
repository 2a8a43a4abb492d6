/** The handler that counts what waits, by app and by task. */
import { appNamesWith } from '#main/domain/app-name.ts';
import { appsOf, type QueuedCount, tallyOf } from '#main/domain/queued-tally.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { CallContext, CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';
import type { KeptTallies } from '../kept-tallies.ts';

/** A look shows so many messages of a queue at most. */
const LOOKED_AT = 1_000;

/** `looks`: the handlers that list queues and look into one. */
export function tallyHandlers(
	core: Pick<Core, 'profiles' | 'taskLog'>,
	kept: KeptTallies,
	looks: Pick<CallHandlers, 'queue.list' | 'queue.peek'>,
): Pick<CallHandlers, 'queue.tally'> {
	return {
		'queue.tally': async ({ profile: name, queue = null, long = false, fresh = false }, context) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			const { id, appNames } = profile.value;
			const { settings } = await core.taskLog.view(id);
			const most = long ? Number.POSITIVE_INFINITY : settings.queuedLimit;
			const counted = await kept.count({ profile: id, queue, fresh }, () => look(id, queue, most, context));
			if (!counted.ok) return counted;
			return ok({ ...counted.value, apps: appsOf(counted.value.tasks, appNamesWith(appNames ?? [])) });
		},
	};

	async function look(
		profile: string,
		only: string | null,
		most: number,
		context: CallContext,
	): Promise<Result<QueuedCount>> {
		const listed = await looks['queue.list']({ profile }, context);
		if (!listed.ok) return listed;
		const waiting = listed.value.items.filter(({ name }) => only === null || name === only);
		const total = waiting.reduce((sum, { ready }) => sum + (ready ?? 0), 0);
		const queues = waiting.map(({ name }) => name);
		if (total > most) return ok({ total, queues, lookedAt: null, tasks: [] });
		const names: string[] = [];
		for (const { name: queue, ready } of waiting) {
			if ((ready ?? 0) === 0) continue;
			const asked = { profile, queue, limit: LOOKED_AT, query: '', scan: LOOKED_AT };
			const looked = await looks['queue.peek'](asked, context);
			if (!looked.ok) return looked;
			for (const { task } of looked.value.items) names.push(task?.name ?? '');
		}
		return ok({ total, queues, lookedAt: names.length, tasks: tallyOf(names) });
	}
}
