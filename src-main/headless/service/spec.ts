/** What a service is asked to be, and what its processes tell each other and whoever asks. All of it is JSON. */
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import type { ConnectionState } from '#main/domain/profile.ts';
import type { Failure } from '#main/domain/result.ts';
import type { LogLevel } from '#main/domain/task.ts';

/** First word of the command line in the service's own two processes; never typed by a person. */
export const SUPERVISOR_WORD = 'consumer-supervisor';
export const WORKER_WORD = 'consumer-worker';

export interface ServiceSpec {
	readonly home: string;
	readonly profile: { readonly id: string; readonly name: string };
	/** Saved sets to run, by id; empty: `run`. */
	readonly sets: readonly string[];
	/** Input of `consumer.run` without its profile; null: `sets`. Travels over pipes only, because environments hold secrets. */
	readonly run: Readonly<Record<string, unknown>> | null;
	/** Where relative paths of `run` begin. */
	readonly cwd: string;
	readonly scheduler: boolean;
	/** Least severe level of tasks' lines that the log gets. */
	readonly logLevel: LogLevel;
	readonly logFile: string;
	readonly pidFile: string;
	/** Of the control channel: a socket's path, or a pipe's name on Windows. */
	readonly channel: string;
	/** In the terminal that started it, or under another supervisor: the log goes to standard output as well. */
	readonly foreground: boolean;
}

/** What the worker tells the supervisor, at least once a second. */
export interface WorkerReport {
	readonly connection: ConnectionState;
	readonly sets: readonly ConsumerSetView[];
}

/** From the worker. */
export type FromWorker =
	| { readonly kind: 'report'; readonly report: WorkerReport }
	/** It cannot do what the spec asks (a set is unknown, the vault is locked), and ends. */
	| { readonly kind: 'failed'; readonly error: Failure }
	| { readonly kind: 'answer'; readonly id: number; readonly answer: unknown };

/** To the worker. */
export type ToWorker =
	| { readonly kind: 'begin'; readonly spec: ServiceSpec }
	| { readonly kind: 'stop'; readonly now: boolean }
	| { readonly kind: 'call'; readonly id: number; readonly route: string; readonly input: unknown };

/** From the supervisor to whoever started it, over the pipe between them. */
export type FromSupervisor =
	| { readonly kind: 'up'; readonly pid: number }
	| { readonly kind: 'refused'; readonly error: Failure };

export type ServiceState =
	| 'starting'
	| 'running'
	/** Some of it works. */
	| 'degraded'
	| 'waiting-for-broker'
	/** Its worker died and is started again, at once or after a pause. */
	| 'restarting'
	/** Its worker lives and says nothing. */
	| 'hung'
	| 'draining';

/** Facts of a service at one moment. */
export interface ServiceFacts {
	readonly pid: number;
	readonly workerPid: number | null;
	readonly startedAt: number;
	readonly profile: string;
	readonly stopping: 'drain' | 'now' | null;
	/** The newest word of the worker that runs now; null: none yet. */
	readonly report: WorkerReport | null;
	/** Milliseconds since then. */
	readonly heartbeatAgeMs: number | null;
	/** How often the worker was started again. */
	readonly restarts: number;
	/** Why it ended the last time; null: it never did. */
	readonly lastEnd: string | null;
	/** What keeps the worker from doing what it is to do, in its own words. */
	readonly problem: Failure | null;
	/** When the next start of a dead worker is due, epoch ms. */
	readonly nextStartAt: number | null;
	readonly logFile: string;
	readonly pidFile: string;
	readonly scheduler: boolean;
}

/** What `consumer status --json` prints for a service that runs. */
export interface ServiceStatus extends ServiceFacts {
	readonly state: ServiceState;
	/** One sentence for a person. */
	readonly words: string;
}

/** Over the control channel, one JSON line each way. */
export type ChannelRequest =
	| { readonly op: 'status' }
	| { readonly op: 'stop'; readonly now: boolean }
	/** The spec, to start the same again. */
	| { readonly op: 'spec' }
	| { readonly op: 'call'; readonly route: string; readonly input: unknown };

/** Routes that the control channel passes on: those that only the process with the consumers can carry out. */
export const CHANNEL_ROUTES: readonly string[] = ['consumer.list', 'consumer.resize', 'consumer.cancel'];
