/** `consumer run`: runs tasks in the foreground until it is told to stop or its queues are empty. */
import type { ConsoleLine, ConsumerSetView } from '#main/domain/consumer.ts';
import { fail } from '#main/domain/result.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { CommandError, type Session } from './session.ts';
import { count, counted, harmless, paint } from './text.ts';
import { showLine } from './views.ts';

/** How long a broker may stay away at the start, unless `--wait` was given. */
const PATIENCE_MS = 15_000;
/** Unread output beyond which log lines are dropped and counted: a pager that stands still must not fill the memory. */
const UNREAD_MAX = 8 * 1024 * 1024;

/**
 * Starts a consumer set and follows it. First interrupt: it finishes what runs; second: it stops now and gives running tasks
 * back. With `--json`, one line per event: `started`, `log`, `state`, `stopped`.
 */
export async function consumerRun(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { wait, ...input } = given as Readonly<Record<string, unknown>> & { readonly wait?: boolean };
	const profile = await session.profile();
	const ended = Promise.withResolvers<ConsumerSetView>();
	const run: Run = { id: null, connected: false, told: null, trouble: null, dropped: 0 };
	await using stack = new AsyncDisposableStack();

	stack.use(
		await session.open(
			'console.watch',
			{ profile },
			{
				snapshot() {},
				put(lines) {
					for (const line of lines) print(session, run, line);
				},
				end() {},
			},
		),
	);
	const see = (set: ConsumerSetView | null) => {
		if (set === null || run.id === null || set.id !== run.id) return;
		if (set.state === 'running' || set.state === 'draining') run.connected = true;
		tell(session, run, set);
		if (set.state === 'stopped') ended.resolve(set);
	};
	const seeAll = (items: readonly { readonly set: ConsumerSetView | null }[]) => {
		for (const { set } of items) see(set);
	};
	stack.use(
		await session.open(
			'consumer.watch',
			{ profile },
			{
				snapshot: seeAll,
				put: seeAll,
				end() {},
			},
		),
	);
	const started = await session.call('consumer.run', { ...input, profile } as CallerInput<'consumer.run'>);
	run.id = started.id;
	if (session.globals.json) session.json({ event: 'started', set: started });
	else
		session.note(
			`Running ${started.intent.queues.map(harmless).join(', ')} of ${harmless(profile)}, ${counted(started.slots.length, 'task')} at a time. Ctrl+C stops.`,
		);

	const stop = (now: boolean) => {
		void session.host.engine.router.call('consumer.stop', { profile, id: started.id, now }, session.context());
	};
	let interrupts = 0;
	stack.use(
		session.io.onInterrupt(() => {
			interrupts += 1;
			if (interrupts === 1) session.note('Finishing what runs. Ctrl+C again gives it back to its queue and stops now.');
			if (interrupts <= 2) stop(interrupts === 2);
		}),
	);
	let gaveUp = false;
	if (wait !== true) {
		stack.use(
			session.host.ports.clock.after(PATIENCE_MS, () => {
				if (run.connected || interrupts > 0) return;
				gaveUp = true;
				stop(true);
			}),
		);
	}
	// What it said between its start and our knowing its id.
	const known = await session.call('consumer.list', { profile });
	for (const set of known.items) see(set);
	const last = await ended.promise;
	return finish(session, run, last, gaveUp, interrupts > 0);
}

interface Run {
	id: string | null;
	connected: boolean;
	/** State and note as they were last told. */
	told: string | null;
	/** The last trouble that was named. */
	trouble: string | null;
	dropped: number;
}

function print(session: Session, run: Run, line: ConsoleLine): void {
	const { io, globals } = session;
	if (io.stdout.writableLength > UNREAD_MAX) {
		run.dropped += 1;
		return;
	}
	if (run.dropped > 0) {
		session.note(`${counted(run.dropped, 'log line')} not shown: nobody read them in time. History has them.`);
		run.dropped = 0;
	}
	if (globals.json) session.json({ event: 'log', ...line });
	else session.say(showLine(line, session.style));
}

/** Changes of state and troubles, once each. */
function tell(session: Session, run: Run, set: ConsumerSetView): void {
	if (set.note !== null) run.trouble = set.note;
	const now = `${set.state} ${set.note ?? ''}`;
	if (now === run.told) return;
	run.told = now;
	if (session.globals.json) session.json({ event: 'state', state: set.state, note: set.note });
	else if (set.note !== null && set.state !== 'stopped')
		session.note(paint(session.style, 'yellow', harmless(set.note)));
}

function finish(session: Session, run: Run, last: ConsumerSetView, gaveUp: boolean, interrupted: boolean): number {
	const { succeeded, failed, note } = last;
	if (session.globals.json) session.json({ event: 'stopped', succeeded, failed, note });
	else session.note(`Stopped. ${count(succeeded)} succeeded, ${count(failed)} failed.`);
	if (run.dropped > 0) session.note(`${counted(run.dropped, 'log line')} not shown: nobody read them in time.`);
	if (gaveUp) {
		const reason = run.trouble ?? 'It did not answer.';
		throw new CommandError(
			fail(
				'unreachable',
				`The broker could not be reached within ${PATIENCE_MS / 1000} s. ${reason} --wait waits for it.`,
			).error,
		);
	}
	if (note !== null && !interrupted) throw new CommandError(fail('gone', note).error);
	return EXIT.done;
}
