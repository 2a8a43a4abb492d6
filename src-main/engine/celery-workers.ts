/** Workers of a Celery profile: from who watches it, or from listening for a moment. */
import { readDetails } from '#main/dialects/celery/control-details.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { WorkerLiveness, WorkerView } from '#main/domain/worker.ts';
import { waitOf } from '#main/domain/worker-methods.ts';
import type { WorkerSource } from '#main/ipc/contract/worker.ts';
import { Roster, unheardView, viewsOf } from '#main/monitor/celery/workers.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { CeleryControl } from './celery-control.ts';
import { eventFeeds } from './celery-feeds.ts';
import type { CeleryMonitors } from './celery-monitors.ts';
import type { Ports } from './ports.ts';

/** How long a broker may take to be reached, on top of listening. */
const REACH_MS = 10_000;
const PREFETCH = 500;

export interface WorkerList {
	readonly items: readonly WorkerView[];
	readonly total: number;
	readonly source: WorkerSource;
	readonly trouble: string | null;
}

/** The workers of a profile. Where nobody watches, listens for `listenMs` through a queue of its own, and keeps nothing. */
export async function workersOf(
	parts: { readonly ports: Ports; readonly profiles: Profiles; readonly monitors: CeleryMonitors },
	profile: Profile,
	listenMs: number,
	signal: AbortSignal,
): Promise<Result<WorkerList>> {
	const { ports, profiles, monitors } = parts;
	const feeds = eventFeeds(ports, profiles, profile, { patterns: ['worker.#'], keep: null });
	if (!feeds.ok) return feeds;
	const here = monitors.here(profile.id);
	if (here !== null) return list(here.workers(), 'monitor', here.status().trouble);
	const { notes } = monitors;
	const [records, noted, holder] = await Promise.all([
		notes.workers(profile.id),
		notes.status(profile.id),
		monitors.holder(profile.id),
	]);
	const asOf = (await notes.caughtUpAt(profile.id)) ?? ports.clock.now();
	if (holder !== null) return list(viewsOf(records, asOf), 'monitor', noted.trouble);
	const roster = new Roster(profile.id, records);
	let trouble: string | null = 'The broker did not answer in time.';
	const done = Promise.withResolvers<void>();
	using patience = new DisposableStack();
	patience.use(ports.clock.after(REACH_MS + listenMs, done.resolve));
	signal.addEventListener('abort', () => done.resolve(), { once: true });
	const feed = feeds.value.open({
		prefetch: PREFETCH,
		onMessage(message) {
			for (const event of feeds.value.read(message).events) roster.hear(event, message.receivedAt);
			feed.settle(message);
		},
		onStart() {
			trouble = null;
			patience.use(ports.clock.after(listenMs, done.resolve));
		},
		onTrouble(reason) {
			trouble = reason;
		},
	});
	await using _feed = feed;
	const watch = feed.onState((state) => {
		if (state.kind === 'refused') {
			trouble = state.reason;
			done.resolve();
		} else if (state.kind === 'reconnecting') trouble = state.reason;
	});
	patience.use(watch);
	feed.connect();
	await done.promise;
	if (trouble !== null) return list(viewsOf(records, asOf), 'noted', trouble);
	// Only heartbeats were listened for.
	const heard = roster.views(ports.clock.now()).map((one) => ({ ...one, events: 'unknown' as const }));
	return list(heard, 'listened', null);
}

function list(items: readonly WorkerView[], source: WorkerSource, trouble: string | null): Result<WorkerList> {
	return ok({ items, total: items.length, source, trouble });
}

/** The same list with what workers say of themselves: two questions to everybody at once, and whoever answers without ever being heard. */
export async function withDetails(
	parts: { readonly ports: Ports; readonly monitors: CeleryMonitors; readonly control: CeleryControl },
	profile: Profile,
	found: WorkerList,
	signal: AbortSignal,
): Promise<Result<WorkerList>> {
	const { known, watched } = await knownNodes(parts, profile);
	const ask = (method: 'stats' | 'active_queues') =>
		parts.control.ask(profile, {
			method,
			arguments: {},
			destination: null,
			pattern: null,
			timeoutMs: waitOf(method),
			known,
			watched,
			signal,
		});
	const [stats, queues] = await Promise.all([ask('stats'), ask('active_queues')]);
	if (!stats.ok) return stats;
	if (!queues.ok) return queues;
	const queuesOf = new Map(queues.value.items.map((one) => [one.node, one]));
	const items = new Map(found.items.map((one) => [one.name, one]));
	for (const { node, answers } of stats.value.items) {
		const [answer] = answers;
		if (answer?.ok !== true) continue;
		const view = items.get(node) ?? unheardView(node, answer.at);
		const details = readDetails(answer.json, queuesOf.get(node)?.answers[0]?.json ?? null, answer.at);
		items.set(node, { ...view, duplicate: view.duplicate || answers.length > 1, details });
	}
	const sorted = [...items.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
	return list(sorted, found.source, found.trouble);
}

/** Nodes as they were last heard, and whether somebody listens so that this is up to date. */
export async function knownNodes(
	parts: { readonly ports: Ports; readonly monitors: CeleryMonitors },
	profile: Profile,
): Promise<{ readonly known: ReadonlyMap<string, WorkerLiveness>; readonly watched: boolean }> {
	const { ports, monitors } = parts;
	const here = monitors.here(profile.id);
	const named = (views: readonly WorkerView[]) => new Map(views.map((one) => [one.name, one.state]));
	if (here !== null) return { known: named(here.workers()), watched: here.status().trouble === null };
	const { notes } = monitors;
	const [records, caughtUpAt, holder] = await Promise.all([
		notes.workers(profile.id),
		notes.caughtUpAt(profile.id),
		monitors.holder(profile.id),
	]);
	if (holder !== null) {
		return { known: named(viewsOf(records, caughtUpAt ?? ports.clock.now())), watched: true };
	}
	// Nobody listens: those of old may be long gone, so that nobody is waited for by name.
	const names = viewsOf(records, ports.clock.now()).map((one) => [one.name, 'lost' as const] as const);
	return { known: new Map(names), watched: false };
}
