/** The engine: everything Warren does, behind one router, in whatever process a host gives it. */
import { createActions } from '#main/actions/progress.ts';
import { createReviews } from '#main/actions/review.ts';
import { createWaitingReviews } from '#main/actions/waiting-selection.ts';
import { startChildRunner } from '#main/consumer/child-runner.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallHandlers, Router, StreamHandlers } from '#main/ipc/handlers.ts';
import { createRouter } from '#main/ipc/router.ts';
import { createProfiles } from '#main/profiles/profiles.ts';
import { openStore } from '#main/store/client.ts';
import type { Store } from '#main/store/store.ts';
import { createAlarms } from './alarms.ts';
import { argumentDoors, sourceLook } from './celery-arguments.ts';
import { createCeleryControl } from './celery-control.ts';
import { askingOfEarlier } from './celery-earlier.ts';
import { type CeleryMonitors, createCeleryMonitors } from './celery-monitors.ts';
import { createCeleryReplies } from './celery-replies.ts';
import { type CeleryResults, createCeleryResults } from './celery-results.ts';
import { createClusters } from './clusters.ts';
import { createConsumers } from './consumers.ts';
import type { Core } from './core.ts';
import { buryDeadConsumers } from './dead-consumers.ts';
import { createDeployments } from './deployments.ts';
import { createFigureSampler } from './figure-sampler.ts';
import { alarmHandlers, alarmStreams } from './handlers/alarm.ts';
import { clusterHandlers, clusterStreams } from './handlers/cluster.ts';
import { consoleHandlers } from './handlers/console.ts';
import { deploymentHandlers } from './handlers/deployment.ts';
import { figureHandlers, figureStreams } from './handlers/figure.ts';
import { groupHandlers, groupStreams } from './handlers/group.ts';
import { historyHandlers } from './handlers/history.ts';
import { historySettingsHandlers } from './handlers/history-settings.ts';
import { monitorHandlers, monitorStreams } from './handlers/monitor.ts';
import { orphanHandlers } from './handlers/orphan.ts';
import { packetHandlers } from './handlers/packet.ts';
import { profileHandlers, profileStreams } from './handlers/profile.ts';
import { queryHandlers } from './handlers/query.ts';
import { reportHandlers } from './handlers/report.ts';
import { resultHandlers, resultStreams } from './handlers/result.ts';
import { scheduleHandlers } from './handlers/schedule.ts';
import { scheduleChangeHandlers } from './handlers/schedule-change.ts';
import { scheduleManyHandlers } from './handlers/schedule-many.ts';
import { scheduleStreams } from './handlers/schedule-watch.ts';
import { siteHandlers, siteStreams } from './handlers/site.ts';
import { tallyHandlers } from './handlers/tally.ts';
import { taskHandlers } from './handlers/task.ts';
import { viewHandlers } from './handlers/view.ts';
import { waitingHandlers } from './handlers/waiting.ts';
import { watchStreams } from './handlers/watch.ts';
import { workerHandlers, workerStreams } from './handlers/worker.ts';
import { askByInspect } from './inspect-holdings.ts';
import { createKeptTallies, tellingChanges } from './kept-tallies.ts';
import { createOrphanSource } from './orphan-source.ts';
import type { Ports } from './ports.ts';
import { createQueueFigures } from './queue-figures.ts';
import { keepCleaning } from './retention.ts';
import { ensureSandbox } from './sandbox.ts';
import { startByThemselves } from './saved-sets.ts';
import { createKeepers } from './schedule-keepers.ts';
import { createSchedules } from './schedules.ts';
import { createSites } from './sites.ts';
import { openTaskLog } from './task-log.ts';

export interface Engine extends AsyncDisposable {
	readonly router: Router;
}

/**
 * Starts the engine: opens the store (migrating it if need be), makes the sandbox on a first start. Fails, without leaving
 * anything running, when the store cannot be opened; brokers are connected to when first asked for.
 */
export async function createEngine(
	ports: Ports,
	{ cleans = true }: { readonly cleans?: boolean } = {},
): Promise<Result<Engine>> {
	await using stack = new AsyncDisposableStack();
	const opened = await openStore({ home: ports.home, thread: ports.storeThread, log: ports.log });
	if (!opened.ok) return opened;
	const bare = stack.use(opened.value);
	const taskLog = await openTaskLog(bare, ports);
	const store: Store = { ...bare, history: taskLog.history, [Symbol.asyncDispose]: () => bare[Symbol.asyncDispose]() };
	const now = () => ports.clock.now();
	const profiles = createProfiles(store.profiles, ports.vault, now);
	const deployments = stack.use(createDeployments(ports, profiles));
	const startRunner = startChildRunner({ resources: ports.resources, clock: ports.clock, log: ports.log });
	const consumers = stack.use(createConsumers(ports, store, startRunner));
	const sites = stack.use(createSites(ports, profiles, store.history));
	const clusters = stack.use(createClusters(ports, profiles));
	const alarms = stack.use(createAlarms(ports, profiles, store, clusters));
	const schedules = stack.use(createSchedules(ports, profiles, store, sites));
	const results = stack.use(createCeleryResults(ports, profiles, store));
	const replies = stack.use(
		createCeleryReplies(ports, profiles, store.history, (id, items, count) =>
			monitors.notes.putBadReplies(id, items, count),
		),
	);
	/** While a profile is watched, ends of tasks are looked for in its backend, or heard by whoever sent them. */
	const endings: Pick<CeleryResults, 'healing'> = {
		healing(profile) {
			replies.listen(profile);
			return results.healing(profile);
		},
	};
	const monitors: CeleryMonitors = stack.use(
		createCeleryMonitors(ports, profiles, store, endings, (profile) =>
			askingOfEarlier({ ports, store, monitors, control }, profile),
		),
	);
	const control = stack.use(
		createCeleryControl(ports, profiles, (id, items, count) => monitors.notes.putBadReplies(id, items, count)),
	);
	const doorsOf = (profile: Profile) => argumentDoors({ ports, monitors, control, results }, profile);
	const reviews = createReviews(store.history, store.groups, now, async (id) => {
		const profile = await profiles.find(id);
		return profile.ok ? sourceLook(id, store.history, doorsOf(profile.value)) : null;
	});
	const core: Core = {
		ports,
		store,
		profiles,
		deployments,
		consumers,
		reviews,
		waitingReviews: createWaitingReviews(now),
		actions: createActions(now),
		schedules,
		clusters,
		replies,
		taskLog,
		argumentDoors: doorsOf,
	};
	const sandbox = await ensureSandbox(core);
	if (!sandbox.ok) return fail(sandbox.error.code, `The sandbox could not be set up: ${sandbox.error.message}`);
	schedules.keepers = stack.use(createKeepers(core));
	stack.use(buryDeadConsumers(store, ports));
	if (cleans) stack.use(keepCleaning(store, ports, taskLog, () => profiles.list()));
	if (ports.host === 'shell' || ports.host === 'serve') {
		// What waits for a broker or a vault must not keep a window from opening.
		void startByThemselves(core).catch((error: unknown) => {
			ports.log.error('consumer.auto-start-failed', { reason: String(error) });
		});
	}

	const ask = askByInspect(ports, monitors, control);
	const figures = createQueueFigures(core, ask);
	const sampler = stack.use(createFigureSampler(ports, profiles, store, { queues: figures, clusters }));
	const deployment = deploymentHandlers(core, figures);
	const tallies = createKeptTallies(store.watching, taskLog, ports.clock);
	const calls: CallHandlers = {
		...queryHandlers(core),
		...viewHandlers(core),
		...profileHandlers(core),
		...taskHandlers(core),
		...resultHandlers(core, results),
		...groupHandlers(core),
		...historyHandlers(core),
		...deployment,
		...tallyHandlers(core, tallies, deployment),
		...waitingHandlers(core),
		...reportHandlers(core),
		...orphanHandlers(core, createOrphanSource(ports, monitors, control, ask)),
		...scheduleHandlers(core),
		...scheduleChangeHandlers(core),
		...scheduleManyHandlers(core),
		...clusterHandlers(core, clusters),
		...alarmHandlers(core, alarms),
		...figureHandlers(core, sampler),
		...packetHandlers(core),
		...historySettingsHandlers(core, taskLog),
		...siteHandlers(core, sites),
		...monitorHandlers(core, monitors),
		...workerHandlers(core, monitors, control),
		...consoleHandlers(core),
	};
	const streams: StreamHandlers = {
		...profileStreams(core),
		...watchStreams(core),
		...groupStreams(core),
		...clusterStreams(core, clusters),
		...alarmStreams(core, alarms),
		...figureStreams(core, sampler),
		...siteStreams(core, sites),
		...monitorStreams(core, monitors, sampler),
		...resultStreams(core, results),
		...workerStreams(core, monitors, control),
		...scheduleStreams(core),
	};
	const changed = async (name: string) => {
		const profile = await profiles.find(name);
		if (profile.ok) await tallies.changed(profile.value.id);
	};
	const router = createRouter({
		calls: tellingChanges(calls, changed, ports.log),
		streams,
		profile: (nameOrId) => profiles.find(nameOrId),
		audit: (entry) => store.records.audit(entry),
		defect(ref, route, error) {
			const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
			ports.log.error('defect', { ref, route, stack });
		},
		now,
	});
	const owned = stack.move();
	return ok({ router, [Symbol.asyncDispose]: () => owned.disposeAsync() });
}
