/** The command line: from words to an exit code. */
import { type Failure, fail } from '#main/domain/result.ts';
import { openHome } from '#main/engine/home.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import { needsOf } from '#main/ipc/contract/route.ts';
import { type CallerInput, type CallName, contract, type StreamName } from '#main/ipc/contract.ts';
import { openHost, VERSION } from '../host.ts';
import { servicePart } from '../service/parts.ts';
import { CHANNEL_ROUTES } from '../service/spec.ts';
import { changeOrphans } from './change-orphans.ts';
import { changePackets } from './change-packets.ts';
import { changeSite } from './change-site.ts';
import { changeTasks } from './change-tasks.ts';
import { changeWaiting } from './change-waiting.ts';
import { consentTo } from './confirm.ts';
import { consumerRun } from './consumer-run.ts';
import { consumerRestart, consumerStart, consumerStatus, consumerStop, throughService } from './consumer-service.ts';
import { eventSnapshot } from './event-snapshot.ts';
import { follow } from './follow.ts';
import { type Command, commands, WHOLE_FIELDS } from './grammar.ts';
import { helpFor } from './help.ts';
import { taskExport, taskImport } from './history-files.ts';
import type { Io } from './io.ts';
import { taskDetailJson } from './json.ts';
import { logExport, logFind, logShow, taskFollow } from './log-files.ts';
import { monitorRun } from './monitor-run.ts';
import { openCommand } from './open.ts';
import { type Parsed, parseArguments } from './parse.ts';
import { taskPublish } from './publish-wait.ts';
import { taskResult } from './result-views.ts';
import { scheduleExit } from './schedule-views.ts';
import { CommandError, reportFailure, reportUsage, Session } from './session.ts';
import { showTask } from './show-task.ts';
import { inspectLogs, inspectQueue, inspectSettings, purgeLogs, purgeQueue } from './task-log.ts';
import type { Style } from './text.ts';
import { jsonOf, textOf } from './views.ts';
import { controlExit } from './worker-control-views.ts';
import { workerInspect } from './worker-inspect.ts';

/** Whether a command cleans up history while it runs. Most do what they are asked to and no more: a long export deletes nothing. */
export function looksAfterHome(command: string): boolean {
	return command === 'serve' || command === 'consumer run' || command === 'monitor run';
}

/** Runs one command line and resolves with its exit code; what goes wrong is printed, not thrown. */
export async function runCommandLine(io: Io): Promise<number> {
	const part = servicePart(io.args[0]);
	if (part !== null) return part;
	const style = styleOf(io);
	const known = commands();
	const parsed = parseArguments(io.args, known);
	switch (parsed.kind) {
		case 'usage':
			return reportUsage(io, parsed.json, style, parsed.message);
		case 'version':
			io.stdout.write(parsed.globals.json ? `${JSON.stringify({ version: VERSION })}\n` : `warren ${VERSION}\n`);
			return EXIT.done;
		case 'help': {
			const help = helpFor(parsed.topic, known, style);
			if (help === null)
				return reportUsage(
					io,
					parsed.globals.json,
					style,
					`There is no "${parsed.topic.join(' ')}". "warren help" lists what there is.`,
				);
			io.stdout.write(`${help}\n`);
			return EXIT.done;
		}
		case 'command':
			return runCommand(io, style, parsed);
	}
}

function styleOf(io: Io): Style {
	const wanted = io.env.FORCE_COLOR !== undefined && io.env.FORCE_COLOR !== '0';
	return {
		colour: (io.stdout.isTTY || wanted) && !io.env.NO_COLOR,
		// Piped tables are for grep: nothing is cut there.
		width: io.stdout.isTTY ? Math.max(40, io.stdout.columns) : Number.MAX_SAFE_INTEGER,
	};
}

async function runCommand(
	io: Io,
	style: Style,
	parsed: Extract<Parsed, { readonly kind: 'command' }>,
): Promise<number> {
	const { globals, command } = parsed;
	const report = (error: Failure) => reportFailure(io, globals.json, style, error);
	const input = await withSecrets(io, parsed);
	if (!input.ok) return report(input.error);
	const home = openHome(globals.home, io.env);
	if (!home.ok) return report(home.error);
	const abort = new AbortController();
	using _interrupt = io.onInterrupt(() => abort.abort());
	await using stack = new AsyncDisposableStack();
	const host = await openHost({
		host: command.name === 'serve' ? 'serve' : 'cli',
		home: home.value,
		env: io.env,
		cleans: looksAfterHome(command.name),
		trouble: (words) => io.stderr.write(`${words}\n`),
	});
	if (!host.ok) return report(host.error);
	stack.use(host.value);
	const session = new Session(io, globals, host.value, style, abort.signal);
	try {
		return await carryOut(session, command, input.value);
	} catch (error) {
		if (error instanceof CommandError) return report(flagWords(command, error.error));
		throw error;
	}
}

/** Reads what must not stand on a command line from standard input, mostly a line each. */
async function withSecrets(
	io: Io,
	parsed: Extract<Parsed, { readonly kind: 'command' }>,
): Promise<
	| { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
	| { readonly ok: false; readonly error: Failure }
> {
	const secrets: Record<string, string> = {};
	for (const name of parsed.secrets) {
		const lines: string[] = [];
		let line = await io.readLine();
		if (WHOLE_FIELDS.has(name)) {
			for (; line !== null; line = await io.readLine()) lines.push(line);
			line = lines.length === 0 ? null : lines.join('\n');
		}
		if (line === null) return fail('invalid-input', `Standard input ended before the ${name} came.`);
		secrets[name] = line;
	}
	return { ok: true, value: { ...parsed.input, ...secrets } };
}

async function carryOut(session: Session, command: Command, given: Readonly<Record<string, unknown>>): Promise<number> {
	switch (command.name) {
		case 'serve':
			// Only this one needs the server.
			return (await import('./serve.ts')).serveCommand(session, given);
		case 'open':
			return openCommand(session, given);
		case 'consumer run':
			return consumerRun(session, given);
		case 'monitor run':
			return monitorRun(session, given);
		case 'event snapshot':
			return eventSnapshot(session, given);
		case 'worker inspect':
			return workerInspect(session, given);
		case 'task requeue':
			return changeTasks(session, 'requeue', given);
		case 'task delete':
			return changeTasks(session, 'delete', given);
		case 'group requeue':
			return changeTasks(session, 'requeue', given, 'group');
		case 'group delete':
			return changeTasks(session, 'delete', given, 'group');
		case 'message delete':
			return changeWaiting(session, 'message.delete', given);
		case 'queue purge':
			return changeWaiting(session, 'queue.purge', given);
		case 'queue move':
			return changeWaiting(session, 'queue.move', given);
		case 'queue replay':
			return changeWaiting(session, 'queue.replay', given);
		case 'packet next':
			return changePackets(session, 'packet.next', given);
		case 'packet hold':
			return changePackets(session, 'packet.hold', given);
		case 'packet release':
			return changePackets(session, 'packet.release', given);
		case 'queue rescue':
			return changeOrphans(session, 'queue.rescue', given);
		case 'queue clean':
			return changeOrphans(session, 'queue.clean', given);
		case 'site requeue':
			return changeSite(session, 'requeue', given);
		case 'site delete':
			return changeSite(session, 'delete', given);
		case 'task publish':
			return taskPublish(session, given);
		case 'task result':
			return taskResult(session, given);
		case 'task show':
			return showOneTask(session, given);
		case 'task export':
			return taskExport(session, given);
		case 'task follow':
			return taskFollow(session, given);
		case 'log show':
			return logShow(session, given);
		case 'log find':
			return logFind(session, given);
		case 'log export':
			return logExport(session, given);
		case 'inspect logs':
			return inspectLogs(session);
		case 'inspect queue':
			return inspectQueue(session, given);
		case 'inspect settings':
			return inspectSettings(session);
		case 'purge logs':
			return purgeLogs(session, given);
		case 'purge queue':
			return purgeQueue(session, given);
		case 'task import':
			return taskImport(session, given);
		case 'profile remove':
			return removeProfile(session, given);
		case 'profile discover':
			return discoverSites(session, given);
		case 'profile test':
			return testProfile(session, given);
		case 'consumer start':
			return consumerStart(session, given);
		case 'consumer stop':
			return consumerStop(session, given);
		case 'consumer restart':
			return consumerRestart(session, given);
		case 'consumer status':
			return consumerStatus(session, given);
	}
	if (command.route === null) throw new Error(`${command.name} has no body.`);
	const input = command.profiled ? { ...given, profile: await session.profile() } : given;
	const route = command.route;
	if (contract[route].kind === 'stream') return follow(session, route as StreamName, input);
	const confirm = await consentBefore(session, route as CallName, input);
	// Only the process that runs a consumer can say what it does, or change it: where there is a service, that is the one.
	const served = CHANNEL_ROUTES.includes(route) ? await throughService(session, route, input) : null;
	if (served?.ok === false) throw new CommandError(served.error);
	const answer = served?.value ?? (await session.call(route as CallName, input as CallerInput<CallName>, confirm));
	print(session, route as CallName, answer);
	return (
		scheduleExit(route as CallName, answer) || controlExit(route as CallName, answer, input.destination !== undefined)
	);
}

/** Asks before a command that destroys, unless it only says what it would do. */
async function consentBefore(
	session: Session,
	name: CallName,
	input: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
	const route = contract[name];
	const destroys = route.kind === 'command' && needsOf(route, input) === 'destroy' && route.scope === 'deployment';
	if (!destroys || input.dryRun === true) return session.globals.confirm;
	const view = await session.call('profile.show', { name: String(input.profile) });
	// A read-only profile refuses by itself, with better words.
	if (view.profile.readOnly) return session.globals.confirm;
	const what = `${name.replace('.', ' ')} of ${view.profile.name}: ${route.summary}.`;
	return (await consentTo(session, view, what, true)).confirm ?? session.globals.confirm;
}

function print(session: Session, route: CallName, answer: unknown): void {
	if (session.globals.json) session.json(jsonOf(route, answer));
	else session.say(textOf(route, answer, session.style));
}

async function showOneTask(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const profile = await session.profile();
	const detail = await session.call('task.show', { ...given, profile } as CallerInput<'task.show'>);
	const newest = detail.history.at(-1);
	const lines = newest === undefined ? [] : await wholeLog(session, profile, newest.id);
	if (session.globals.json) session.json(taskDetailJson(detail, lines));
	else session.say(showTask(detail, lines, session.style));
	return EXIT.done;
}

/** All kept lines of an attempt, read page by page. */
async function wholeLog(session: Session, profile: string, attempt: number) {
	const limit = 5_000;
	const lines = [];
	for (let afterSeq = -1; ; ) {
		const page = await session.call('task.log', { profile, attempt, afterSeq, limit });
		lines.push(...page.lines);
		const last = page.lines.at(-1);
		// A page of long lines ends early: only an empty one is behind the end.
		if (last === undefined) return lines;
		afterSeq = last.seq;
	}
}

async function removeProfile(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const input = given as CallerInput<'profile.remove'>;
	const view: ProfileView = await session.call('profile.show', input);
	const what = `This removes the profile ${view.profile.name}, its passwords and its history (not its queues).`;
	const consent = view.profile.readOnly ? {} : await consentTo(session, view, what, true);
	const answer = await session.call('profile.remove', input, consent.confirm ?? session.globals.confirm);
	print(session, 'profile.remove', answer);
	return EXIT.done;
}

async function discoverSites(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const input = given.name !== undefined || given.broker !== undefined ? given : { name: await session.profile() };
	const found = await session.call('profile.discover', { ...given, ...input } as CallerInput<'profile.discover'>);
	print(session, 'profile.discover', found);
	return EXIT.done;
}

async function testProfile(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const named = given.name !== undefined || given.broker !== undefined;
	const input = named ? given : { ...given, name: await session.profile() };
	const answer = await session.call('profile.test', input as CallerInput<'profile.test'>);
	print(session, 'profile.test', answer);
	return answer.passed ? EXIT.done : EXIT.unreachable;
}

/** The router names fields; on a command line they are flags or places. */
function flagWords(command: Command, error: CommandError['error']): CommandError['error'] {
	const field = error.details?.field;
	if (error.code !== 'invalid-input' || typeof field !== 'string' || !error.message.startsWith(`${field}:`))
		return error;
	const name = field.split('.')[0];
	const flag = command.flags.find((one) => one.field.name === name);
	const place = command.positional.find((one) => one.field.name === name);
	const word =
		flag !== undefined
			? `--${flag.flag}`
			: place !== undefined
				? place.field.name.toUpperCase()
				: name === 'profile'
					? '--profile'
					: null;
	return word === null ? error : { ...error, message: `${word}:${error.message.slice(field.length + 1)}` };
}
