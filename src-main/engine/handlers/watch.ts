/** Handlers of the streams about tasks, changes and consumers. */
import { taskId } from '#main/domain/ids.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { StreamHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';

type Name = 'task.watch' | 'task.follow' | 'console.watch' | 'action.watch' | 'consumer.watch';

const FOLLOW_PAGE = 1_000;

export function watchStreams(core: Core): Pick<StreamHandlers, Name> {
	const { history } = core.store;
	return {
		'task.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			const counts = await history.counts(id);
			sink.snapshot([{ key: id, tick: { revision: counts.revision, counts } }]);
			return ok(history.onTick(id, (tick) => sink.put([{ key: id, tick }])));
		},
		'task.follow': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const id = (await history.taskOfMessage(profile.value.id, input.id)) ?? taskId(input.id);
			const known = await history.detail(profile.value.id, id);
			if (known === null) return fail('not-found', `There is no task "${input.id}" in this profile's history.`);
			sink.snapshot([]);
			let attempt: number | null = null;
			let afterSeq = -1;
			let closed = false;
			let reading: Promise<void> | null = null;
			let again = false;
			const read = async () => {
				const detail = await history.detail(profile.value.id, id);
				const newest = detail?.history.at(-1);
				if (newest === undefined) return;
				if (newest.id !== attempt) {
					attempt = newest.id;
					afterSeq = -1;
				}
				for (;;) {
					const page = await history.log(newest.id, { afterSeq, limit: FOLLOW_PAGE, minLevel: 'debug', search: '' });
					if (closed || !page.ok || page.value.lines.length === 0) return;
					const { lines } = page.value;
					afterSeq = lines.at(-1)?.seq ?? afterSeq;
					sink.put(lines.map((line) => ({ ...line, attempt: newest.number })));
				}
			};
			const wake = () => {
				if (closed) return;
				if (reading !== null) {
					again = true;
					return;
				}
				reading = read()
					.catch((error: unknown) => {
						core.ports.log.warn('follow.failed', { task: id, reason: String(error) });
					})
					.finally(() => {
						reading = null;
						if (again) {
							again = false;
							wake();
						}
					});
			};
			const stack = new DisposableStack();
			stack.use(history.onTick(profile.value.id, wake));
			stack.use(core.consumers.onLines(profile.value.id, wake));
			stack.defer(() => {
				closed = true;
			});
			wake();
			return ok(stack);
		},
		'console.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			sink.snapshot(core.consumers.recentLines(profile.value.id));
			return ok(core.consumers.onLines(profile.value.id, (lines) => sink.put(lines)));
		},
		'action.watch': async (_input, sink) => {
			sink.snapshot(core.actions.current());
			return ok(core.actions.onChange((progress) => sink.put([progress])));
		},
		'consumer.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			sink.snapshot(core.consumers.list(profile.value.id).map((set) => ({ key: set.id as string, set })));
			return ok(core.consumers.onChange(profile.value.id, (set) => sink.put([{ key: set.id, set }])));
		},
	};
}
