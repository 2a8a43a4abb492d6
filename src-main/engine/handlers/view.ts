/** Handlers of the routes about saved views. */

import type { ProfileId } from '#main/domain/ids.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { pinnedAt, pinnedViews, type SavedView } from '#main/domain/saved-view.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';

type Name = 'view.list' | 'view.save' | 'view.pin' | 'view.unpin' | 'view.remove';

/** More than this is no help to anybody. */
const MOST = 200;

export function viewHandlers(core: Core): Pick<CallHandlers, Name> {
	const { views } = core.store;
	return {
		'view.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = await views.list(profile.value.id);
			return ok({ items, total: items.length });
		},
		'view.save': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const now = core.ports.clock.now();
			const parsed = parseQuery(input.query, now);
			if (!parsed.ok) return parsed;
			const of = input.everywhere === true ? null : profile.value.id;
			const there = (await views.list(profile.value.id)).filter((view) => view.profile === of);
			if (there.length >= MOST && there.every((view) => view.name !== input.name)) {
				return fail('conflict', `There are ${MOST} saved views already. Remove one first: "view remove NAME".`);
			}
			const pin = there.find((view) => view.name === input.name)?.pin;
			const view: SavedView = {
				...(pin === undefined ? {} : { pin }),
				name: input.name,
				profile: of,
				query: input.query.trim(),
				sort: input.sort === undefined ? null : { field: input.sort, descending: input.ascending !== true },
				columns: input.columns ?? null,
				updatedAt: now,
			};
			await views.put(view);
			return ok(view);
		},
		'view.pin': async (input) => {
			const found = await ofName(input);
			if (!found.ok) return found;
			const { all, view } = found.value;
			const last = Number.POSITIVE_INFINITY;
			for (const one of pinnedAt(all, view, input.place === undefined ? last : input.place - 1)) await views.put(one);
			return pinned(found.value.profile);
		},
		'view.unpin': async (input) => {
			const found = await ofName(input);
			if (!found.ok) return found;
			const { pin: _, ...view } = found.value.view;
			await views.put(view);
			return pinned(found.value.profile);
		},
		'view.remove': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const gone = await views.remove(input.everywhere === true ? null : profile.value.id, input.name);
			return gone ? ok({ removed: input.name }) : unknownView(core, profile.value.id, input.name);
		},
	};

	async function ofName(input: HandlerInput<'view.unpin'>) {
		const profile = await core.profiles.find(input.profile);
		if (!profile.ok) return profile;
		const { id } = profile.value;
		const all = await views.list(id);
		const of = input.everywhere === true ? null : id;
		const view = all.find((one) => one.name === input.name && one.profile === of);
		return view === undefined ? unknownView(core, id, input.name) : ok({ profile: id, all, view });
	}

	async function pinned(profile: ProfileId) {
		const items = pinnedViews(await views.list(profile));
		return ok({ items, total: items.length });
	}
}

/** The view of a name, the profile's own before one of every profile. */
export async function findView(
	core: Core,
	profile: SavedView['profile'] & string,
	name: string,
): Promise<Result<SavedView>> {
	const found = (await core.store.views.list(profile)).find((view) => view.name === name);
	return found === undefined ? unknownView(core, profile, name) : ok(found);
}

async function unknownView(core: Core, profile: SavedView['profile'] & string, name: string): Promise<Result<never>> {
	const all = await core.store.views.list(profile);
	const names = all.map((view) => `"${view.name}"${view.profile === null ? ' (of every profile: --everywhere)' : ''}`);
	const there =
		names.length === 0 ? 'None is saved yet: "view save NAME QUERY" makes one.' : `There are: ${names.join(', ')}.`;
	return fail('not-found', `There is no saved view "${name}". ${there}`);
}
