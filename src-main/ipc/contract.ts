/**
 * The contract: every route between a host and the engine, by name. The router parses inputs with it, the command line makes
 * its verbs and help of it, and the page takes its types from it (types only: zod stays out of the page).
 */
import type * as z from 'zod';
import { alarmRoutes } from './contract/alarm.ts';
import { clusterRoutes } from './contract/cluster.ts';
import { consoleRoutes } from './contract/console.ts';
import { deploymentRoutes } from './contract/deployment.ts';
import { eventRoutes } from './contract/event.ts';
import { figureRoutes } from './contract/figure.ts';
import { groupRoutes } from './contract/group.ts';
import { historyRoutes } from './contract/history.ts';
import { historySettingsRoutes } from './contract/history-settings.ts';
import { monitorRoutes } from './contract/monitor.ts';
import { orphanRoutes } from './contract/orphan.ts';
import { packetRoutes } from './contract/packet.ts';
import { profileRoutes } from './contract/profile.ts';
import { queryRoutes } from './contract/query.ts';
import { reportRoutes } from './contract/report.ts';
import { resultRoutes } from './contract/result.ts';
import type { CommandRoute, QueryRoute, StreamRoute } from './contract/route.ts';
import { scheduleRoutes } from './contract/schedule.ts';
import { siteRoutes } from './contract/site.ts';
import { taskRoutes } from './contract/task.ts';
import { viewRoutes } from './contract/view.ts';
import { waitingRoutes } from './contract/waiting.ts';
import { workerRoutes } from './contract/worker.ts';

export const contract = {
	...queryRoutes,
	...viewRoutes,
	...profileRoutes,
	...taskRoutes,
	...resultRoutes,
	...groupRoutes,
	...historyRoutes,
	...reportRoutes,
	...deploymentRoutes,
	...waitingRoutes,
	...orphanRoutes,
	...scheduleRoutes,
	...clusterRoutes,
	...alarmRoutes,
	...figureRoutes,
	...packetRoutes,
	...historySettingsRoutes,
	...siteRoutes,
	...monitorRoutes,
	...eventRoutes,
	...workerRoutes,
	...consoleRoutes,
};

export type Contract = typeof contract;
export type RouteName = keyof Contract;

/** Names of routes that are called and answered once. */
export type CallName = {
	[R in RouteName]: Contract[R] extends { readonly kind: 'query' | 'command' } ? R : never;
}[RouteName];
/** Names of streams. */
export type StreamName = { [R in RouteName]: Contract[R] extends { readonly kind: 'stream' } ? R : never }[RouteName];

/** What a caller may write: defaults may be left out. */
export type CallerInput<R extends RouteName> = z.input<Contract[R]['input']>;
/** What a handler gets: parsed, defaults filled in. */
export type HandlerInput<R extends RouteName> = z.output<Contract[R]['input']>;
/** What a call answers with. */
export type Output<R extends CallName> =
	Contract[R] extends QueryRoute<z.ZodType, infer O>
		? O
		: Contract[R] extends CommandRoute<z.ZodType, infer O>
			? O
			: never;
/** What a stream carries. */
export type Item<S extends StreamName> = Contract[S] extends StreamRoute<z.ZodType, infer I> ? I : never;
