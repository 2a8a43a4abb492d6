/** Handlers of the routes about a carrot site. */
import { join } from 'node:path';
import type { RunningAction } from '#main/actions/progress.ts';
import { deleteSiteRows, requeueSiteRows, type SiteChangeOptions, siteSkipReason } from '#main/actions/site.ts';
import type { SiteTarget } from '#main/actions/site-doors.ts';
import { runnerEnvironment } from '#main/consumer/environment.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { SITE_TABS, type SiteLink, type SiteReview, type SiteRow } from '#main/domain/site.ts';
import type { SiteOutcome } from '#main/ipc/contract/site.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { openSiteDatabase, type SiteDatabaseDoor } from '#main/monitor/carrot-site/database.ts';
import { type Core, target } from '../core.ts';
import { reconcileSite, schedulesOf } from '../site-reconcile.ts';
import { siteStatus } from '../site-status.ts';
import { detailOf, reviewOf, viewOfRow } from '../site-views.ts';
import type { Site, Sites } from '../sites.ts';

type Name =
	| 'site.status'
	| 'site.list'
	| 'site.show'
	| 'site.collect'
	| 'site.schedules'
	| 'site.reconcile'
	| 'site.requeue'
	| 'site.delete';

/** Rows that one change may cover. */
const MOST_ROWS = 10_000;
const DATABASE_MS = 60_000;

export function siteHandlers(core: Core, sites: Sites): Pick<CallHandlers, Name> {
	const { history } = core.store;
	return {
		'site.status': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const database = await openDatabase(core, input);
			try {
				return await siteStatus(core, sites, profile.value, database);
			} finally {
				if (database?.ok === true) await database.value[Symbol.asyncDispose]();
			}
		},
		'site.list': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			const page = await site.value.mirror.page(input.tab, input.page, input.search, context.signal);
			if (!page.ok) return page;
			const items = await Promise.all(page.value.items.map((row) => viewOfRow(history, site.value.profile.id, row)));
			return ok({ ...page.value, items });
		},
		'site.show': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			const row = await site.value.client.row(Number(input.id), context.signal);
			if (!row.ok) {
				return row.error.code === 'not-found'
					? fail('not-found', `The site has no row ${input.id}. A requeued row has a new number; history knows both.`)
					: row;
			}
			await site.value.mirror.keep([row.value], false);
			return ok(await detailOf(history, site.value.profile.id, row.value));
		},
		'site.collect': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			let rows = 0;
			let complete = true;
			for (const tab of input.tab === undefined ? SITE_TABS : [input.tab]) {
				const all = await site.value.mirror.all(tab, input.search, input.most, context.signal);
				if (!all.ok) return all;
				rows += all.value.items.length;
				complete &&= all.value.complete;
			}
			return ok({ rows, complete });
		},
		'site.schedules': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			const first = await site.value.client.schedules(1, context.signal);
			if (!first.ok) return first;
			const all = first.value.more ? await schedulesOf(site.value, context.signal) : null;
			const items = all?.items ?? first.value.items;
			const since = all?.since ?? site.value.mirror.noteSchedules(items);
			const views = items.map((one) => ({ ...one, knownSince: since.get(one.id) ?? first.value.at }));
			return ok({ items: views, total: first.value.total, complete: items.length === first.value.total });
		},
		'site.reconcile': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			const options = { expect: input.expect ?? {}, peek: input.peek === true, signal: context.signal };
			return ok(await reconcileSite(core, site.value, target(core, site.value.profile), options));
		},
		'site.requeue': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			return change(core, site.value, 'requeue', input, context.signal, async (ids, options, action) => {
				const database = await openDatabase(core, input);
				if (database?.ok === false) return database;
				try {
					const to = targetOf(core, site.value, database?.value ?? null);
					return ok(await requeueSiteRows(to, ids, options, action));
				} finally {
					await database?.value[Symbol.asyncDispose]();
				}
			});
		},
		'site.delete': async (input, context) => {
			const site = await siteOf(core, sites, input.profile);
			if (!site.ok) return site;
			return change(core, site.value, 'delete', input, context.signal, async (ids, options, action) => {
				await deleteSiteRows(targetOf(core, site.value, null), ids, options, action);
				return ok([]);
			});
		},
	};
}

export function siteStreams(core: Core, sites: Sites): Pick<StreamHandlers, 'site.watch'> {
	return {
		'site.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			const first = sites.of(profile.value);
			if (!first.ok) return first;
			const listen = (site: Site) => site.mirror.watch(input.every * 1_000, (tick) => sink.put([{ key: id, tick }]));
			let watched = first.value;
			sink.snapshot([{ key: id, tick: watched.mirror.view() }]);
			let watching = listen(watched);
			const stop = (one: AsyncDisposable) => {
				Promise.resolve(one[Symbol.asyncDispose]()).catch((error: unknown) => {
					core.ports.log.warn('site.watch-end-failed', { profile: id, reason: String(error) });
				});
			};
			// An edited profile has another client: the watch moves over to it.
			const follow = async () => {
				const edited = await core.profiles.find(id);
				const site = edited.ok ? sites.of(edited.value) : edited;
				if (!site.ok || site.value.mirror === watched.mirror) return;
				stop(watching);
				watched = site.value;
				watching = listen(watched);
			};
			const stack = new DisposableStack();
			stack.use(
				core.profiles.onChange(() => {
					follow().catch((error: unknown) => {
						core.ports.log.warn('site.watch-move-failed', { profile: id, reason: String(error) });
					});
				}),
			);
			stack.defer(() => stop(watching));
			return ok(stack);
		},
	};
}

async function siteOf(core: Core, sites: Sites, nameOrId: string): Promise<Result<Site>> {
	const profile = await core.profiles.find(nameOrId);
	return profile.ok ? sites.of(profile.value) : profile;
}

function targetOf(core: Core, site: Site, database: SiteDatabaseDoor | null): SiteTarget {
	return {
		broker: target(core, site.profile),
		door: site.client,
		database,
		keep: (rows) => site.mirror.keep(rows, true),
	};
}

type ChangeInput = HandlerInput<'site.delete'>;

/** Freezes the rows, then changes them one by one; or only says what it would do. */
async function change(
	core: Core,
	site: Site,
	kind: 'requeue' | 'delete',
	input: ChangeInput,
	signal: AbortSignal,
	run: (
		ids: readonly number[],
		options: SiteChangeOptions,
		action: RunningAction,
	) => Promise<Result<readonly SiteLink[]>>,
): Promise<Result<SiteOutcome>> {
	const options: SiteChangeOptions = {
		running: input.running === true,
		waiting: input.waiting === true,
		messages: input.messages === true,
	};
	if ((input.ids === undefined || input.ids.length === 0) === (input.all === undefined)) {
		return fail('invalid-input', 'Name the rows by their numbers, or a whole list with --all failed.');
	}
	const named = [...new Set((input.ids ?? []).map(Number))];
	const rows = input.all === undefined ? null : await site.mirror.all(input.all, input.search, MOST_ROWS, signal);
	if (rows !== null && !rows.ok) return rows;
	if (rows !== null && !rows.value.complete && rows.value.items.length >= MOST_ROWS) {
		return fail('too-large', `More than ${MOST_ROWS} rows match. Narrow them with --search, or do it in parts.`);
	}
	const ids = rows === null ? named : rows.value.items.map((row) => row.id);
	if (input.dryRun === true) {
		const known = rows === null ? await readRows(site, ids, signal) : ok(rows.value.items);
		if (!known.ok) return known;
		const missing = ids.length - known.value.length;
		const review = await reviewOf(core.store.history, site.profile.id, kind, known.value, missing, (row) =>
			siteSkipReason(kind, row, options),
		);
		return ok(foreseen(kind, review, ids.length));
	}
	const verb = kind === 'requeue' ? 'Requeue' : 'Delete';
	const title = `${verb} ${ids.length === 1 ? '1 row' : `${ids.length} rows`} of the site`;
	const action = core.actions.begin(kind, site.profile.id, title, ids.length, signal);
	const links = await run(ids, options, action);
	const outcome = action.finish();
	return links.ok ? ok({ ...outcome, links: links.value, review: null }) : links;
}

function foreseen(kind: 'requeue' | 'delete', review: SiteReview, asked: number): SiteOutcome {
	return {
		action: kind,
		done: review.ids.length,
		failed: 0,
		skipped: asked - review.ids.length,
		cancelled: false,
		dryRun: true,
		items: review.sample.map(({ row }) => ({ id: String(row.id), outcome: 'done', reason: null, messageId: null })),
		links: [],
		review,
	};
}

/** Rows by number; those that are gone are left out. */
async function readRows(site: Site, ids: readonly number[], signal: AbortSignal): Promise<Result<readonly SiteRow[]>> {
	const rows: SiteRow[] = [];
	for (const id of ids) {
		const row = await site.client.row(id, signal);
		if (row.ok) rows.push(row.value);
		else if (row.error.code !== 'not-found') return row;
	}
	return ok(rows);
}

type ProjectInput = Pick<HandlerInput<'site.requeue'>, 'project' | 'settings' | 'python' | 'env'>;

/** The site's database through its project; null: nobody gave one. */
async function openDatabase(core: Core, input: ProjectInput): Promise<Result<SiteDatabaseDoor> | null> {
	const { project, settings } = input;
	if (project === undefined && settings === undefined) return null;
	if (project === undefined || settings === undefined) {
		return fail(
			'invalid-input',
			"The site's project needs both its folder and its settings: --project DIR --settings MODULE.",
		);
	}
	const executable = input.python ?? 'python3';
	const spec = { kind: 'python', executable, project, settingsModule: settings, env: input.env ?? {} } as const;
	return openSiteDatabase({
		executable,
		script: join(core.ports.resources, 'runners', 'python', 'carrot_rows.py'),
		project,
		settings,
		env: runnerEnvironment(spec, process.env),
		deadlineMs: DATABASE_MS,
	});
}
