/** `warren event snapshot`: freezes a cluster every so often, and hands each snapshot to a file, a database or a command. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Snapshot } from '#main/domain/snapshot.ts';
import { snapshotFile } from '#main/engine/snapshot-file.ts';
import { EXIT } from '#main/ipc/codes.ts';
import { durationMs } from './monitor-run.ts';
import { CommandError, type Session } from './session.ts';
import { counted, oneLine, when } from './text.ts';

interface Target {
	/** What a person calls it. */
	readonly words: string;
	readonly put: (snapshot: Snapshot) => Promise<Result<void>>;
}

/** A shot that a target does not take ends the command: a log with holes that nobody was told of is worse than none. */
export async function eventSnapshot(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const {
		every = '2s',
		for: span,
		out,
		sqlite,
		command,
		keep,
	} = given as Readonly<Record<string, string | undefined>> & {
		readonly keep?: boolean;
	};
	const everyMs = duration('every', every);
	const forMs = span === undefined ? null : duration('for', span);
	const profile = await session.profile();
	await using stack = new AsyncDisposableStack();
	const targets: Target[] = [];
	if (out !== undefined) targets.push(linesTo(out));
	if (sqlite !== undefined) {
		const file = snapshotFile(sqlite);
		if (!file.ok) throw new CommandError(file.error);
		stack.use(file.value);
		targets.push({ words: sqlite, put: async (snapshot) => file.value.add(snapshot) });
	}
	if (command !== undefined) targets.push({ words: command, put: (snapshot) => handTo(command, snapshot) });
	const ended = Promise.withResolvers<void>();
	let failure: Result<never> | null = null;
	let shots = 0;
	/** One after another: a slow command is not started twice at once. */
	let work: Promise<void> = Promise.resolve();
	const take = (snapshots: readonly Snapshot[]) => {
		for (const snapshot of snapshots) {
			work = work.then(async () => {
				if (failure !== null) return;
				for (const target of targets) {
					const done = await target.put(snapshot);
					if (done.ok) continue;
					failure = done;
					ended.resolve();
					return;
				}
				shots += 1;
				if (session.globals.json) session.json(snapshot);
				else session.say(line(snapshot));
			});
		}
	};
	const input = { profile, every: everyMs / 1_000, keep };
	stack.use(await session.open('event.snapshot', input, { snapshot: take, put: take, end: ended.resolve }));
	stack.use(session.io.onInterrupt(ended.resolve));
	if (forMs !== null) {
		const timer = setTimeout(ended.resolve, forMs);
		stack.defer(() => clearTimeout(timer));
	}
	await ended.promise;
	await work;
	const why = failure as Result<never> | null;
	if (why?.ok === false) throw new CommandError(why.error);
	if (!session.globals.json) session.say(`${counted(shots, 'snapshot')} taken.`);
	return EXIT.done;
}

function duration(flag: string, text: string): number {
	const ms = durationMs(text);
	if (ms === null) {
		throw new CommandError(
			fail('invalid-input', `--${flag} takes a duration such as 2s, 10m or 1h, not "${text}".`).error,
		);
	}
	return ms;
}

function linesTo(path: string): Target {
	return {
		words: path,
		async put(snapshot) {
			try {
				appendFileSync(path, `${JSON.stringify(snapshot)}\n`);
				return ok(undefined);
			} catch (error) {
				// A full disk or a missing folder, in the system's own words.
				const why = error instanceof Error ? error.message : String(error);
				return fail('gone', `Snapshots cannot be written to ${path}: ${why}`);
			}
		},
	};
}

/** Runs a command of the shell with the snapshot as one line of JSON on its standard input. */
function handTo(command: string, snapshot: Snapshot): Promise<Result<void>> {
	return new Promise((resolve) => {
		const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'] });
		child.on('error', (error) => resolve(fail('gone', `The command could not be run: ${error.message}`)));
		child.on('close', (code, signal) =>
			resolve(
				code === 0
					? ok(undefined)
					: fail(
							'gone',
							`The command ended with ${code ?? signal} for snapshot ${snapshot.number}, so no more are taken.`,
						),
			),
		);
		// A command that does not read its input closes it; that is its business.
		child.stdin.on('error', () => undefined);
		child.stdin.end(`${JSON.stringify(snapshot)}\n`);
	});
}

function line({ number, at, eventCount, taskCount, workers, tasks, dropped, trouble }: Snapshot): string {
	const alive = workers.filter((one) => one.state === 'online').length;
	const states = new Map<string, number>();
	for (const task of tasks) states.set(task.state, (states.get(task.state) ?? 0) + 1);
	const told = [...states].map(([state, count]) => `${count} ${oneLine(state)}`).join(', ');
	const more = [dropped > 0 ? `${counted(dropped, 'task')} let go` : null, trouble].filter((one) => one !== null);
	const rest = more.length === 0 ? '' : ` (${oneLine(more.join('; '))})`;
	return `${when(at)}  #${number}  ${counted(eventCount, 'event')}, ${counted(taskCount, 'new task')}; ${alive} of ${counted(workers.length, 'worker')} online; tasks: ${told || 'none'}${rest}`;
}
