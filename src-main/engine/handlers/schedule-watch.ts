/** The stream about schedules. Who watches a profile's schedules keeps its books connected and in sync. */
import type { Profile } from '#main/domain/profile.ts';
import { ok } from '#main/domain/result.ts';
import type { ScheduleTick } from '#main/ipc/contract/schedule-answers.ts';
import type { StreamHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';

export function scheduleStreams(core: Core): Pick<StreamHandlers, 'schedule.watch'> {
	const { schedules, store, profiles } = core;

	/** By the profile as it is by then: edited while somebody watches, it may have other books. */
	async function tickOf(watched: Profile): Promise<ScheduleTick> {
		const found = await profiles.find(watched.id);
		const profile = found.ok ? found.value : watched;
		const gathered = await schedules.desk.gather(profile.id);
		const books = await schedules.bookViews(profile, gathered);
		return { revision: gathered.revision, counts: schedules.desk.counts(gathered), books };
	}

	return {
		'schedule.watch': async (input, sink) => {
			const found = await profiles.find(input.profile);
			if (!found.ok) return found;
			const profile = found.value;
			const stack = new DisposableStack();
			let closed = false;
			let telling = false;
			let again = false;
			const tell = async (): Promise<void> => {
				if (telling) {
					again = true;
					return;
				}
				telling = true;
				try {
					do {
						again = false;
						const tick = await tickOf(profile);
						if (!closed) sink.put([{ key: profile.id, tick }]);
					} while (again && !closed);
				} finally {
					telling = false;
				}
			};
			const trouble = (error: unknown) => core.ports.log.warn('schedules.watch', { reason: String(error) });
			const changed = () => void tell().catch(trouble);
			const watching = schedules.watch(profile, changed);
			stack.use(watching);
			stack.use(store.schedules.onChange(profile.id, changed));
			if (schedules.keepers !== null) stack.use(schedules.keepers.onChange(profile.id, changed));
			stack.defer(() => {
				closed = true;
			});
			sink.snapshot([{ key: profile.id, tick: await tickOf(profile) }]);
			return ok(stack);
		},
	};
}
