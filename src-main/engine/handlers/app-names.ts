/** Handlers of the routes about names of apps: what stands for what, what that makes of the tasks in history, and changing it. */
import { appName, appNamesWith, KNOWN_APP_NAMES } from '#main/domain/app-name.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';

type Names = NonNullable<Profile['appNames']>;

/** More are no help to anybody. */
const MOST = 500;

export function appNameHandlers(core: Core): Pick<CallHandlers, 'report.apps' | 'report.map'> {
	return {
		'report.apps': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const own = profile.value.appNames ?? [];
			let tried: Names = own;
			for (const pair of input.try ?? []) {
				const [other = '', app = '', ...more] = pair.split('=');
				if (more.length > 0 || !pair.includes('=')) {
					return fail('invalid-input', `try: "${pair}" is no pair. Write OTHER=APP, or OTHER= for none.`, {
						details: { field: 'try' },
					});
				}
				const next = mapped(tried, other, app);
				if (!next.ok) return next;
				tried = next.value;
			}
			const known = await core.store.history.report({
				profile: profile.value.id,
				name: 'statistics',
				query: '',
				options: {
					since: 0,
					until: core.ports.clock.now() + 1,
					bucket: 'auto',
					zone: 'UTC',
					compatible: false,
					top: 1,
					appNames: [],
				},
			});
			if (!known.ok) return known;
			const now = appNamesWith(own);
			const then = appNamesWith(tried);
			const items = known.value.data?.kind === 'statistics' ? known.value.data.items : [];
			const tasks = items.map(({ task, runs }) => ({
				task,
				runs,
				app: appName(task, then),
				before: appName(task, now),
			}));
			return ok({
				names: [...then].map(([other, app]) => ({ other, app, builtIn: KNOWN_APP_NAMES.get(other) === app })),
				tasks,
				total: tasks.length,
				changes: tasks.filter(({ app, before }) => app !== before).length,
			});
		},
		'report.map': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const own = profile.value.appNames ?? [];
			const next = mapped(own, input.other, input.app ?? '');
			if (!next.ok) return next;
			const saved = await core.profiles.put({ ...profile.value, appNames: next.value }, {});
			if (!saved.ok) return saved;
			return ok({
				names: [...appNamesWith(next.value)].map(([other, app]) => ({
					other,
					app,
					builtIn: KNOWN_APP_NAMES.get(other) === app,
				})),
			});
		},
	};
}

/** With one more pair, or without it where `app` is empty. A name that stands for another is nobody's app, so that none is looked up twice. */
function mapped(names: Names, rawOther: string, rawApp: string): Result<Names> {
	const other = rawOther.trim();
	const app = rawApp.trim();
	if (other === '') return refused('other', 'name the app that is to be called otherwise.');
	const rest = names.filter(([known]) => known !== other);
	if (app === '') {
		return rest.length < names.length ? ok(rest) : refused('other', `"${other}" stands for no other app.`);
	}
	if (app === other) return refused('app', `"${app}" cannot stand for itself.`);
	const target = rest.find(([known]) => known === app);
	if (target !== undefined) return refused('app', `"${app}" itself stands for "${target[1]}". Name that one.`);
	const source = rest.find(([, known]) => known === other);
	if (source !== undefined)
		return refused('other', `"${source[0]}" stands for "${other}" already. Name that one first.`);
	if (rest.length >= MOST) return fail('conflict', `There are ${MOST} names already. Remove one first.`);
	return ok([...rest, [other, app]]);
}

function refused(field: string, words: string): Result<never> {
	return fail('invalid-input', `${field}: ${words}`, { details: { field } });
}
