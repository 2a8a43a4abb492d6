/** `consumer start|stop|restart|status`: the service in the background, and honest words and exit codes about it. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import type { Failure, Result } from '#main/domain/result.ts';
import { fail, ok } from '#main/domain/result.ts';
import { LOG_LEVELS, type LogLevel } from '#main/domain/task.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import { askChannel } from '../service/channel.ts';
import { exists, presence } from '../service/identity.ts';
import { exitOf } from '../service/judge.ts';
import { type PidRecord, readPidFile, removeStale } from '../service/pid-file.ts';
import { makeFolders, type ServicePlaces, servicePlaces } from '../service/places.ts';
import { type FromSupervisor, type ServiceSpec, type ServiceStatus, SUPERVISOR_WORD } from '../service/spec.ts';
import { supervise } from '../service/supervisor.ts';
import { CommandError, type Session } from './session.ts';
import { harmless, lasted, paint, pairs, table, when } from './text.ts';

type Given = Readonly<Record<string, unknown>>;

/** How long consumers may take to get to work before a start is given up, unless `--wait` was given. */
const PATIENCE_MS = 15_000;
/** What does not work although its broker is there (no interpreter, no such queue) seldom mends itself. */
const TROUBLE_MS = 5_000;
const LOOK_MS = 150;
const ASK_MS = 5_000;
/** From a signal that has to end a process to its end. */
const END_MS = 20_000;

/** Fields of `consumer start` that are not the consumer's. */
const OWN = ['sets', 'wait', 'foreground', 'logfile', 'pidfile', 'loglevel', 'noScheduler', 'hard', 'now', 'timeout'];

export async function consumerStart(session: Session, given: Given): Promise<number> {
	const place = await placeOf(session, given);
	refuseRunning(place);
	const spec = await specOf(session, place, given, null);
	return start(session, place, spec, given.wait === true);
}

export async function consumerRestart(session: Session, given: Given): Promise<number> {
	const place = await placeOf(session, given);
	const state = readPidFile(place.places.pidFile, Date.now());
	const before =
		state.kind === 'running' ? await askChannel<ServiceSpec>(state.record.channel, { op: 'spec' }, ASK_MS) : null;
	// What is wrong with the new one is said while the old one still runs.
	const spec = await specOf(session, place, given, before?.ok === true ? before.value : null);
	if (state.kind === 'running') await stop(session, place, state.record, given);
	else session.note('No service was running.');
	return start(session, place, spec, given.wait === true);
}

export async function consumerStop(session: Session, given: Given): Promise<number> {
	const place = await placeOf(session, given);
	const { pidFile } = place.places;
	const state = readPidFile(pidFile, Date.now());
	if (state.kind === 'running') {
		await stop(session, place, state.record, given);
		return answer(session, { state: 'stopped', pid: state.record.pid }, `Stopped the service ${state.record.pid}.`);
	}
	if (state.kind === 'stale') removeStale(pidFile, Date.now());
	const left = state.kind === 'stale' ? ` A stale pid file was removed: ${state.why}.` : '';
	return answer(session, { state: 'stopped', pid: null }, `No service of ${place.profile.name} was running.${left}`);
}

export async function consumerStatus(session: Session, given: Given): Promise<number> {
	const place = await placeOf(session, given);
	const { pidFile, logFile } = place.places;
	const state = readPidFile(pidFile, Date.now());
	if (state.kind !== 'running') {
		const why = state.kind === 'stale' ? ` (${state.why})` : '';
		const kind = state.kind === 'stale' ? 'stale' : 'stopped';
		const words = `No service of ${place.profile.name} runs${why}.`;
		answer(session, { state: kind, words, pid: null, pidFile, logFile }, words);
		return EXIT.failed;
	}
	const { record } = state;
	const status = await askChannel<ServiceStatus>(record.channel, { op: 'status' }, ASK_MS);
	if (!status.ok) {
		const words = `The process ${record.pid} is there and does not answer: ${status.error.message}`;
		answer(session, { state: 'unresponsive', words, pid: record.pid, pidFile, logFile: record.logFile }, words);
		return EXIT.failed;
	}
	if (session.globals.json) session.json(status.value);
	else session.say(showStatus(session, status.value));
	return exitOf(status.value.state);
}

/** Asks the running service of the profile to carry a route out; null where none runs. */
export async function throughService(session: Session, route: string, input: unknown): Promise<Result<unknown> | null> {
	const place = await placeOf(session, {});
	const state = readPidFile(place.places.pidFile, Date.now());
	if (state.kind !== 'running') return null;
	return askChannel(state.record.channel, { op: 'call', route, input }, 60_000);
}

interface Place {
	readonly profile: { readonly id: string; readonly name: string };
	readonly view: ProfileView;
	readonly places: ServicePlaces;
	readonly home: string;
}

async function placeOf(session: Session, given: Given): Promise<Place> {
	const view = await session.call('profile.show', { name: await session.profile() });
	const { id, name } = view.profile;
	const { home } = session.host.ports;
	const pidFile = typeof given.pidfile === 'string' ? given.pidfile : undefined;
	const logFile = typeof given.logfile === 'string' ? given.logfile : undefined;
	return { profile: { id, name }, view, home, places: servicePlaces(home, id, { pidFile, logFile }) };
}

function refuseRunning(place: Place): void {
	const state = readPidFile(place.places.pidFile, Date.now());
	if (state.kind !== 'running') return;
	const { pid, host } = state.record;
	const where = presence(state.record) === 'alive' ? `as process ${pid}` : `on ${host}, as process ${pid} there`;
	throw new CommandError(
		fail(
			'busy',
			`A service of ${place.profile.name} runs already, ${where}. "consumer restart" starts it anew; --pidfile starts another one beside it.`,
		).error,
	);
}

/** What is to be run: named sets, named queues, what ran before, or the sets that start by themselves. */
async function specOf(session: Session, place: Place, given: Given, before: ServiceSpec | null): Promise<ServiceSpec> {
	const { profile, places, home, view } = place;
	if (view.profile.readOnly) {
		throw new CommandError(
			fail('read-only', `The profile "${profile.name}" is read-only, so no tasks are run. Edit it to allow changes.`)
				.error,
		);
	}
	if (given.loglevel !== undefined && !Object.hasOwn(LOG_LEVELS, String(given.loglevel))) {
		throw usage(`--loglevel takes ${Object.keys(LOG_LEVELS).join(', ')}, not "${String(given.loglevel)}".`);
	}
	const sets = (given.sets as readonly string[] | undefined) ?? [];
	const run = Object.fromEntries(Object.entries(given).filter(([name]) => !OWN.includes(name)));
	const flags = Object.keys(run).filter((name) => name !== 'queues');
	if (run.queues === undefined && flags.length > 0) {
		throw usage(
			`How tasks are run is said of queues (--queue) or saved with a set ("consumer save"); ${flags[0]} is neither.`,
		);
	}
	if (sets.length > 0 && run.queues !== undefined) throw usage('Name sets or queues, not both.');
	const base = {
		home,
		profile,
		cwd: process.cwd(),
		scheduler: given.noScheduler === undefined ? (before?.scheduler ?? true) : given.noScheduler !== true,
		logLevel: (given.loglevel as LogLevel | undefined) ?? before?.logLevel ?? 'info',
		logFile: given.logfile === undefined && before !== null ? before.logFile : places.logFile,
		pidFile: places.pidFile,
		channel: places.channel,
		foreground: given.foreground === true,
	};
	if (run.queues !== undefined) return { ...base, sets: [], run };
	if (sets.length === 0 && before !== null) return { ...base, cwd: before.cwd, sets: before.sets, run: before.run };
	const saved = await session.call('consumer.sets', { profile: profile.id });
	const chosen =
		sets.length === 0
			? saved.items.filter(({ set }) => set.autoStart)
			: sets.map((name) => {
					const found = saved.items.find(({ set }) => set.name === name || set.id === name);
					if (found !== undefined) return found;
					const known = saved.items.map(({ set }) => `"${set.name}"`).join(', ') || 'none yet';
					throw new CommandError(
						fail('not-found', `${profile.name} has no consumer set "${name}". Saved are: ${known}.`).error,
					);
				});
	if (chosen.length === 0) {
		throw usage(
			`Name what to run: sets, queues (--queue NAME), or save a set that starts by itself ("consumer save NAME --queue Q --auto-start").`,
		);
	}
	return { ...base, sets: chosen.map(({ set }) => set.id), run: null };
}

function usage(message: string): CommandError {
	return new CommandError(fail('invalid-input', message).error);
}

async function start(session: Session, place: Place, spec: ServiceSpec, wait: boolean): Promise<number> {
	makeFolders(place.places);
	if (spec.foreground) return startHere(session, spec);
	const taken = await launch(spec);
	if (!taken.ok) throw new CommandError(taken.error);
	const pid = taken.value;
	const seen = await settled(session, spec, pid, wait);
	if (seen.kind === 'works') {
		const { status } = seen;
		const names = status.report?.sets.map((set) => set.saved?.name ?? set.intent.queues.join(', ')).join('; ') ?? '';
		return answer(
			session,
			status,
			`Started the service, process ${pid}: ${names}. ${status.words} Its log is ${spec.logFile}`,
		);
	}
	if (seen.kind === 'left') {
		throw new CommandError(fail('unreachable', `${seen.words} The service ${pid} goes on trying.`).error);
	}
	if (seen.alive) await end(session, place, pid, spec.channel, true, END_MS);
	throw new CommandError({
		...seen.error,
		message: `${seen.error.message} The service was not started. Its log is ${spec.logFile}`,
	});
}

/** In this very process, for a terminal or another supervisor. Resolves when it has ended. */
async function startHere(session: Session, spec: ServiceSpec): Promise<number> {
	let refused: Failure | null = null;
	const code = await supervise(
		spec,
		(taken) => {
			if (!taken.ok) refused = taken.error;
		},
		(listener) => session.io.onInterrupt(listener),
	);
	if (refused !== null) throw new CommandError(refused);
	return code;
}

/** Starts the supervisor in a session of its own and hears whether it has the place to itself. */
function launch(spec: ServiceSpec): Promise<Result<number>> {
	const entry = process.argv[1];
	if (entry === undefined) throw new Error('This process does not know its own script.');
	const log = openSync(spec.logFile, 'a', 0o600);
	return new Promise((resolve) => {
		const child = spawn(process.execPath, [...process.execArgv, entry, SUPERVISOR_WORD], {
			detached: true,
			stdio: ['ignore', log, log, 'ipc'],
			cwd: spec.home,
			windowsHide: true,
		});
		closeSync(log);
		const done = (result: Result<number>) => {
			child.removeAllListeners();
			if (child.connected) child.disconnect();
			child.unref();
			resolve(result);
		};
		child.once('error', (error) => done(fail('internal', `The service cannot be started: ${error.message}`)));
		child.once('exit', (code, signal) =>
			done(fail('internal', `The service ended at once (${signal ?? `code ${code}`}). Its log is ${spec.logFile}`)),
		);
		child.on('message', (message: FromSupervisor) => {
			done(message.kind === 'up' ? ok(message.pid) : { ok: false, error: message.error });
		});
		child.send(spec, () => {});
	});
}

type Settled =
	| { readonly kind: 'works'; readonly status: ServiceStatus }
	/** Somebody who waited has gone; it goes on. */
	| { readonly kind: 'left'; readonly words: string }
	| { readonly kind: 'failed'; readonly error: Failure; readonly alive: boolean };

/** Waits until the consumers are at work, or it is clear that they will not be. */
async function settled(session: Session, spec: ServiceSpec, pid: number, wait: boolean): Promise<Settled> {
	const deadline = performance.now() + PATIENCE_MS;
	let troubleSince: number | null = null;
	let told = '';
	for (;;) {
		const status = await askChannel<ServiceStatus>(spec.channel, { op: 'status' }, ASK_MS);
		if (!status.ok && !exists(pid)) {
			return { kind: 'failed', error: fail('internal', 'The service ended while it started.').error, alive: false };
		}
		const { state, words, problem } = status.ok
			? status.value
			: { state: 'starting' as const, words: status.error.message, problem: null };
		if (status.ok && state === 'running') return { kind: 'works', status: status.value };
		if (problem !== null && !problem.retryable) return { kind: 'failed', error: problem, alive: true };
		if (session.signal.aborted) {
			if (wait) return { kind: 'left', words };
			return { kind: 'failed', error: fail('cancelled', 'It was cancelled.').error, alive: true };
		}
		const now = performance.now();
		troubleSince = state === 'degraded' ? (troubleSince ?? now) : null;
		if (!wait && (now > deadline || (troubleSince !== null && now - troubleSince > TROUBLE_MS))) {
			const code = state === 'waiting-for-broker' ? 'unreachable' : 'gone';
			const hint = code === 'unreachable' ? ' --wait waits for it.' : '';
			return { kind: 'failed', error: fail(code, `${words}${hint}`).error, alive: true };
		}
		if (wait && words !== told && state !== 'starting') session.note(words);
		told = words;
		await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
	}
}

/** Ends a service: gently, with a limit where one is given, at once with `--hard`. */
async function stop(session: Session, place: Place, record: PidRecord, given: Given): Promise<void> {
	if (presence(record) !== 'alive') {
		throw new CommandError(
			fail('conflict', `The service runs on ${record.host}, as process ${record.pid} there. Stop it there.`).error,
		);
	}
	const hard = given.hard === true || given.now === true;
	const seconds = typeof given.timeout === 'number' ? given.timeout : null;
	await end(session, place, record.pid, record.channel, hard, seconds === null ? null : seconds * 1_000);
}

/** `limitMs`: after it, running tasks are given back; null: they may take as long as they take. */
async function end(
	session: Session,
	place: Place,
	pid: number,
	channel: string,
	hard: boolean,
	limitMs: number | null,
): Promise<void> {
	// Gone is the very process that was there at the start, whoever gets its number afterwards.
	const state = readPidFile(place.places.pidFile, Date.now());
	const gone = () =>
		state.kind === 'running' && state.record.pid === pid ? presence(state.record) !== 'alive' : !exists(pid);
	const ask = async (now: boolean) => {
		const asked = await askChannel(channel, { op: 'stop', now }, ASK_MS);
		if (asked.ok || gone()) return;
		session.note(`${asked.error.message} It gets the signal to end instead.`);
		process.kill(pid, 'SIGTERM');
	};
	let now = hard;
	await ask(now);
	const from = performance.now();
	let escalatedAt = hard ? from : null;
	let told = '';
	while (!gone()) {
		await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
		const waited = performance.now() - from;
		const forced: boolean = escalatedAt !== null && performance.now() - escalatedAt > END_MS;
		if (forced) {
			session.note(`The process ${pid} did not end and is killed. The broker hands out again what it ran.`);
			process.kill(pid, 'SIGKILL');
			escalatedAt = performance.now();
			continue;
		}
		if (!now && limitMs !== null && waited > limitMs) {
			now = true;
			escalatedAt = performance.now();
			session.note(`Not ended after ${Math.round(limitMs / 1_000)} s: running tasks go back to their queues.`);
			await ask(true);
			continue;
		}
		if (session.signal.aborted && !now) {
			throw new CommandError(
				fail('cancelled', `Nobody waits any more; the service ${pid} still ends what runs. --hard ends it at once.`)
					.error,
			);
		}
		if (waited < 1_000) continue;
		const status = await askChannel<ServiceStatus>(channel, { op: 'status' }, ASK_MS);
		if (status.ok && status.value.words !== told) {
			told = status.value.words;
			session.note(harmless(told));
		}
	}
	removeStale(place.places.pidFile, Date.now());
}

function answer(session: Session, json: unknown, words: string): number {
	if (session.globals.json) session.json(json);
	else session.say(harmless(words));
	return EXIT.done;
}

const STATE_PAINT = { running: 'green', draining: 'yellow', starting: 'yellow' } as const;

function showStatus(session: Session, status: ServiceStatus): string {
	const { style } = session;
	const { state } = status;
	const colour = state in STATE_PAINT ? STATE_PAINT[state as keyof typeof STATE_PAINT] : 'red';
	const facts = pairs(style, [
		['profile', status.profile],
		['process', `${status.pid}, since ${when(status.startedAt)}`],
		[
			'consumers',
			status.workerPid === null
				? 'not up'
				: `process ${status.workerPid}, last heard of ${lasted(status.heartbeatAgeMs)} ago`,
		],
		['started again', status.restarts === 0 ? 'never' : `${status.restarts} times; ${status.lastEnd ?? ''}`],
		['log', status.logFile],
	]);
	const head = `${paint(style, colour, state)}. ${harmless(status.words)}\n\n${facts}`;
	const slots = (status.report?.sets ?? []).flatMap((set) =>
		set.slots.map((slot) => ({ set: set.saved?.name ?? set.id, queues: set.intent.queues.join(', '), slot })),
	);
	if (slots.length === 0) return head;
	const rows = table(style, slots, [
		{ title: 'SET', cell: (row) => row.set },
		{ title: 'QUEUES', cell: (row) => row.queues, shrink: true },
		{ title: 'SLOT', cell: (row) => String(row.slot.number), right: true },
		{ title: 'STATE', cell: (row) => row.slot.state.kind },
		{ title: 'SINCE', cell: (row) => when(row.slot.state.since) },
		{
			title: 'TASK OR REASON',
			cell: ({ slot: { state: at } }) =>
				at.kind === 'running' ? `${at.name} ${at.taskId}` : at.kind === 'stopped' ? at.reason : '-',
			shrink: true,
		},
		{ title: 'DONE', cell: (row) => String(row.slot.done), right: true },
	]);
	return `${head}\n\n${rows}`;
}
