/** Gathers what a reconciliation compares, in the order that keeps it comparable: looks into queues first, then rows, then figures. */
import type { ActionTarget } from '#main/actions/deployment.ts';
import { queueOfRow } from '#main/dialects/carrot/row-message.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import type { SiteReconciliation, SiteRow, SiteSchedule } from '#main/domain/site.ts';
import { type ReconcileInput, reconcile } from '#main/monitor/carrot-site/reconcile.ts';
import type { ScheduleRun } from '#main/monitor/carrot-site/schedules.ts';
import type { Core } from './core.ts';
import type { Site } from './sites.ts';

const READY_MS = 10_000;
const LOOK = { limit: 1_000, deadlineMs: 15_000 };
const ROWS_MOST = 5_000;
const TASKS_MOST = 25;
const SCHEDULE_PAGES = 20;

export interface ReconcileOptions {
	readonly expect: Readonly<Record<string, string>>;
	readonly peek: boolean;
	readonly signal: AbortSignal;
}

/** Compares a site with its broker. A door that is closed makes blind spots, not a failure. */
export async function reconcileSite(
	core: Core,
	site: Site,
	target: ActionTarget,
	options: ReconcileOptions,
): Promise<SiteReconciliation> {
	const { signal } = options;
	const ready = await target.driver.ready(READY_MS);
	const first = await site.mirror.page('published', 1, '', signal);
	const names = new Set([...site.profile.queues, ...Object.keys(options.expect)]);
	if (first.ok) for (const row of first.value.items) names.add(queueOfRow(row) ?? 'default');
	if (names.size === 0) names.add('default');
	const before = ready.ok ? await figuresOf(target, [...names]) : null;
	const peeked = options.peek && ready.ok ? await look(target, [...names]) : new Map();
	const published = await site.mirror.all('published', '', ROWS_MOST, signal);
	const rows = published.ok ? published.value : null;
	for (const row of rows?.items ?? []) names.add(queueOfRow(row) ?? 'default');
	const queues = ready.ok ? await figuresOf(target, [...names]) : null;
	const own = await ownPart(core, site);
	const recent = await recentRows(site, signal);
	const schedules = await schedulesOf(site, signal);
	const runs = [...(rows?.items ?? []), ...recent, ...(await scheduleRuns(site, schedules?.items ?? [], signal))];
	const now = core.ports.clock.now();
	return reconcile({
		now,
		rows,
		ended: new Set(recent.map((row) => row.uuid)),
		queues,
		queuesBefore: before,
		peeked,
		expected: expectedOf(site, queues ?? [], own, options.expect, now),
		own,
		schedules,
		runs,
	});
}

async function figuresOf(target: ActionTarget, names: readonly string[]): Promise<readonly QueueFigures[] | null> {
	const figures = await target.driver.queues(names);
	return figures.ok ? figures.value.filter((one) => names.includes(one.name)) : null;
}

async function look(target: ActionTarget, names: readonly string[]): Promise<ReconcileInput['peeked']> {
	const found = new Map<string, { ids: readonly string[]; complete: boolean; at: number }>();
	for (const queue of names) {
		const seen = await target.driver.look(queue, LOOK);
		if (!seen.ok) continue;
		const { messages } = seen.value;
		const ids = messages.flatMap((message) => message.properties.messageId ?? []);
		found.set(queue, { ids, complete: messages.length < LOOK.limit, at: target.now() });
	}
	return found;
}

/** What Warren's own consumers of this process hold: the site's doors cannot tell them from the site's. */
async function ownPart(core: Core, site: Site): Promise<ReconcileInput['own']> {
	const running = new Set<string>();
	const consumers = new Map<string, number>();
	for (const set of core.consumers.list(site.profile.id)) {
		if (set.state !== 'running' && set.state !== 'draining') continue;
		for (const queue of set.intent.queues) consumers.set(queue, (consumers.get(queue) ?? 0) + 1);
		for (const slot of set.slots) {
			if (slot.state.kind !== 'running') continue;
			const { taskId, attemptId } = slot.state;
			running.add(taskId);
			const detail = await core.store.history.detail(site.profile.id, taskId);
			const attempt = detail?.history.find((one) => one.id === attemptId);
			if (attempt !== undefined) running.add(attempt.messageId);
		}
	}
	return { running, consumers };
}

/** The newest rows that ended: messages that were taken a moment ago are theirs. */
async function recentRows(site: Site, signal: AbortSignal): Promise<readonly SiteRow[]> {
	const rows: SiteRow[] = [];
	for (const tab of ['failed', 'completed'] as const) {
		const page = await site.mirror.page(tab, 1, '', signal);
		if (page.ok) rows.push(...page.value.items);
	}
	return rows;
}

/** All schedules of a site, with since when each is known; null: they could not be read. */
export async function schedulesOf(site: Site, signal: AbortSignal): Promise<ReconcileInput['schedules']> {
	const items: SiteSchedule[] = [];
	let at = 0;
	for (let number = 1; number <= SCHEDULE_PAGES; number += 1) {
		const page = await site.client.schedules(number, signal);
		if (!page.ok) return null;
		items.push(...page.value.items);
		at = page.value.at;
		if (!page.value.more) break;
	}
	return { items, since: site.mirror.noteSchedules(items), at };
}

/** The newest rows of each scheduled task, which a search for its name finds. */
async function scheduleRuns(
	site: Site,
	schedules: readonly SiteSchedule[],
	signal: AbortSignal,
): Promise<readonly ScheduleRun[]> {
	const tasks = [...new Set(schedules.filter((one) => one.active).map((one) => one.task))].slice(0, TASKS_MOST);
	const runs: ScheduleRun[] = [];
	for (const task of tasks) {
		for (const tab of ['published', 'completed', 'failed'] as const) {
			const page = await site.mirror.page(tab, 1, task, signal);
			if (page.ok) runs.push(...page.value.items);
		}
	}
	return runs;
}

/** What a person said, else the most that were ever seen. */
function expectedOf(
	site: Site,
	queues: readonly QueueFigures[],
	own: ReconcileInput['own'],
	told: Readonly<Record<string, string>>,
	now: number,
): ReconcileInput['expected'] {
	const expected = new Map<string, { count: number; source: 'person' | 'warren'; at: number }>();
	for (const one of queues) {
		const there = (one.consumers ?? 0) - (own.consumers.get(one.name) ?? 0);
		const most = site.mostConsumers.get(one.name);
		if (there > (most?.count ?? 0)) site.mostConsumers.set(one.name, { count: there, at: one.at });
	}
	for (const [queue, { count, at }] of site.mostConsumers) expected.set(queue, { count, source: 'warren', at });
	for (const [queue, count] of Object.entries(told))
		expected.set(queue, { count: Number(count), source: 'person', at: now });
	return expected;
}
