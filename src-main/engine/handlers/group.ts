/** Handlers of the routes about failure groups. */
import { deleteTasks } from '#main/actions/delete.ts';
import { changeGroup } from '#main/actions/group.ts';
import { requeueTasks } from '#main/actions/requeue.ts';
import type { GroupChange, GroupState } from '#main/domain/failure-group.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { GroupOutcome } from '#main/ipc/contract/group.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { type Core, signedTargetOf, targetOf } from '../core.ts';
import { carryOut } from './task.ts';

type Name = Extract<keyof CallHandlers, `group.${string}`>;

const HOUR_MS = 3_600_000;
const STANDING: readonly GroupState[] = ['open', 'regressed'];

export function groupHandlers(core: Core): Pick<CallHandlers, Name> {
	const { groups } = core.store;

	async function decide(input: { profile: string; group: string }, change: GroupChange): Promise<Result<GroupOutcome>> {
		const profile = await core.profiles.find(input.profile);
		if (!profile.ok) return profile;
		const { records } = core.store;
		return changeGroup({ groups, records, now: () => core.ports.clock.now() }, profile.value.id, input.group, change);
	}

	return {
		'group.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			return groups.list({
				profile: profile.value.id,
				query: input.query,
				states: input.state ?? (input.all === true ? [] : STANDING),
				sort: input.sort,
				window: input.window,
				limit: input.limit,
			});
		},
		'group.show': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			return groups.get(profile.value.id, input.group, input.window, input.limit);
		},
		'group.differs': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			return groups.differs(profile.value.id, input.group, input.task ?? null);
		},
		'group.requeue': async (input, context) => {
			const target = await signedTargetOf(core, input.profile, input.queue ?? null);
			if (!target.ok) return target;
			return carryOut(core, target.value, 'requeue', input, context.signal, (ids, action) =>
				requeueTasks(target.value, ids, input.queue ?? null, action),
			);
		},
		'group.delete': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			return carryOut(core, target.value, 'delete', input, context.signal, (ids, action) =>
				deleteTasks(target.value, ids, action),
			);
		},
		'group.resolve': (input) => decide(input, { kind: 'resolve' }),
		'group.reopen': (input) => decide(input, { kind: 'reopen' }),
		'group.ignore': async (input) => {
			if (input.hours === undefined && input.failures === undefined) {
				return fail('invalid-input', 'Say until when to ignore it: for so many hours, or until so many more failures.');
			}
			const until = input.hours === undefined ? null : Math.round(core.ports.clock.now() + input.hours * HOUR_MS);
			return decide(input, { kind: 'ignore', until, count: input.failures ?? null });
		},
		'group.note': (input) => decide(input, { kind: 'note', note: input.note.trim() }),
		'group.merge': (input) => decide(input, { kind: 'merge', others: input.others }),
		'group.split': (input) => decide(input, { kind: 'split', by: input.by }),
	};
}

/** The stream that tells when groups have to be read anew. */
export function groupStreams(core: Core): Pick<StreamHandlers, 'group.watch'> {
	const { history } = core.store;
	return {
		'group.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			const counts = await history.counts(id);
			sink.snapshot([{ key: id, tick: { revision: counts.revision, counts } }]);
			return ok(history.onTick(id, (tick) => sink.put([{ key: id, tick }])));
		},
	};
}
