/** Jobs that are handed over behind the running one: what the session makes of the process's words, and what a slot dares. */
import { describe, expect, it } from 'vitest';
import type { ProcessHandlers } from '#main/consumer/process.ts';
import type { JobEnd, Runner } from '#main/consumer/runner.ts';
import { openRunnerSession } from '#main/consumer/runner-session.ts';
import { Slot } from '#main/consumer/slot.ts';
import { NO_LIMITS, type TaskLimits } from '#main/domain/consumer.ts';
import { silentLog } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const JOB = { name: 'n', messageId: 'm', attempt: 1, queue: 'q', argsJson: '[]', kwargsJson: '{}' };

/** A runner's session with a process that says what the test says. */
class Talk {
	readonly clock: ManualClock;
	readonly writes: string[] = [];
	readonly stray: LogLine[] = [];
	readonly session: Runner;
	killed = false;
	#handlers!: ProcessHandlers;

	constructor(clock = manualClock()) {
		this.clock = clock;
		this.session = openRunnerSession({
			process: { command: '', args: [], cwd: '/', env: {} },
			spawn: (_spec, handlers) => {
				this.#handlers = handlers;
				return {
					pid: 1,
					send: (line) => void this.writes.push(line),
					endInput: () => this.die(),
					kill: () => {
						this.killed = true;
						this.die();
					},
					pause: () => {},
					resume: () => {},
				};
			},
			clock,
			readyDeadlineMs: 1000,
			graceMs: 1000,
			explain: () => 'no',
			onStray: (lines) => this.stray.push(...lines),
		});
		this.say({ t: 'ready', version: '1', tasks: null });
	}

	/** Messages of the process, in one chunk. */
	say(...messages: readonly object[]): void {
		this.#handlers.message(Buffer.from(messages.map((one) => `${JSON.stringify(one)}\n`).join('')));
	}

	print(text: string): void {
		this.#handlers.output('stdout', Buffer.from(text));
	}

	die(): void {
		this.#handlers.ended({ exitCode: null, signal: 'SIGKILL', error: null });
	}

	/** What was written to the process, job by job. */
	get jobs(): readonly Readonly<Record<string, unknown>>[] {
		return this.writes.flatMap((text) =>
			text
				.trim()
				.split('\n')
				.map((line) => JSON.parse(line)),
		);
	}
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const end = (run: string, next?: string) => ({
	t: 'end',
	run,
	kind: 'returned',
	ms: 1,
	...(next === undefined ? {} : { next }),
});

/** The first runs, the others wait behind it. */
function handed(talk: Talk, ...runs: readonly string[]) {
	const begun: string[] = [];
	const lines = new Map<string, string[]>(runs.map((run) => [run, []]));
	const hear = (run: string) => (some: readonly LogLine[]) => void lines.get(run)?.push(...some.map((one) => one.text));
	const ends = runs.map((run, index): Promise<JobEnd> => {
		if (index === 0) return talk.session.run({ ...JOB, run }, hear(run));
		return talk.session.ahead?.({ ...JOB, run }, 1000, hear(run), () => begun.push(run)) as Promise<JobEnd>;
	});
	return { ends, begun, lines };
}

describe('a runner that is handed jobs behind the one it runs', () => {
	it('gets them in one write, each with the run that it is to follow', async () => {
		const talk = new Talk();
		handed(talk, 'a', 'b', 'c');
		await turn();
		expect(talk.writes).toHaveLength(2);
		expect(talk.jobs.map(({ run, behind, until }) => [run, behind, until])).toEqual([
			['a', undefined, undefined],
			['b', 'a', 1000],
			['c', 'b', 1000],
		]);
	});

	it('has begun only what it says it has begun', async () => {
		const talk = new Talk();
		const { ends, begun } = handed(talk, 'a', 'b', 'c');
		talk.say(end('a', 'b'));
		expect(begun).toEqual(['b']);
		talk.say(end('b'));
		expect(await Promise.all(ends.slice(0, 2))).toMatchObject([{ kind: 'returned' }, { kind: 'returned' }]);
		expect(begun).toEqual(['b']);
		talk.say({ t: 'begin', run: 'c' });
		expect(begun).toEqual(['b', 'c']);
	});

	it('keeps the log of each with each, also when all comes at once', async () => {
		const talk = new Talk();
		const { ends, lines } = handed(talk, 'a', 'b');
		const out = (run: string | null, text: string) => ({ t: 'out', run, at: 1, source: 'stdout', text });
		talk.say(out('a', 'one'), end('a', 'b'), out('b', 'two'), end('b'));
		talk.print('from a child\n');
		await Promise.all(ends);
		expect([...lines]).toEqual([
			['a', ['one', 'from a child']],
			['b', ['two']],
		]);
		expect(talk.session.outputs).toBe(1);
	});

	it('dies with the one that runs, and those behind it are untouched', async () => {
		const talk = new Talk();
		const { ends } = handed(talk, 'a', 'b', 'c', 'd');
		talk.say(end('a', 'b'));
		talk.die();
		expect((await Promise.all(ends)).map((one) => [one.kind, 'gone' in one && one.gone])).toEqual([
			['returned', false],
			['died', false],
			['handed-back', true],
			['handed-back', true],
		]);
	});

	it('hands back what it cannot begin in time', async () => {
		const talk = new Talk();
		const { ends } = handed(talk, 'a', 'b', 'c');
		talk.say(end('a'), { t: 'back', run: 'b' }, { t: 'back', run: 'c' });
		expect(await Promise.all(ends.slice(1))).toEqual([
			{ kind: 'handed-back', gone: false },
			{ kind: 'handed-back', gone: false },
		]);
		expect(await ends[0]).toMatchObject({ kind: 'returned' });
	});

	it('may be relieved of them, is killed should it begin one all the same, and says no more than it must', async () => {
		const talk = new Talk();
		const { ends } = handed(talk, 'a', 'b', 'c');
		talk.session.withdraw?.();
		expect(await Promise.all(ends.slice(1))).toMatchObject([{ kind: 'handed-back' }, { kind: 'handed-back' }]);
		talk.say(end('a'), { t: 'back', run: 'b' });
		await ends[0];
		expect([talk.killed, talk.stray]).toEqual([false, []]);
		talk.say({ t: 'begin', run: 'c' });
		expect(talk.killed).toBe(true);
	});

	it.each([
		[{ t: 'begin', run: 'c' }],
		[{ t: 'begin', run: 'nobody' }],
		[{ t: 'back', run: 'a' }],
		[{ t: 'back', run: 'nobody' }],
		[end('b')],
		[{ t: 'begin' }],
	])('is not believed when a task says %j in its name', async (lie) => {
		const talk = new Talk();
		const { ends, begun, lines } = handed(talk, 'a', 'b', 'c');
		talk.say(lie, end('a', 'b'), end('b', 'c'), end('c'));
		expect((await Promise.all(ends)).map((one) => one.kind)).toEqual(['returned', 'returned', 'returned']);
		expect(begun).toEqual(['b', 'c']);
		expect(lines.get('a')?.join()).toContain('something unreadable');
	});
});

async function slotOver(limits: Partial<TaskLimits> = {}) {
	const clock = manualClock();
	const talks: Talk[] = [];
	const slot = new Slot({
		number: 1,
		spec: { kind: 'node', modules: [], project: '/', env: {} },
		limits: { ...NO_LIMITS, ...limits },
		startRunner: () => {
			const talk = new Talk(clock);
			talks.push(talk);
			return talk.session;
		},
		clock,
		log: silentLog,
		onStray: () => {},
		onChange: () => {},
	});
	slot.start();
	await clock.advance(0);
	const [talk] = talks as [Talk];
	let runs = 0;
	/** Runs a task from its beginning to its end. */
	const once = async (name = 'n', message: object = {}) => {
		runs += 1;
		const done = slot.run({ ...JOB, name, run: `proof-${runs}` }, () => {});
		talk.say({ ...end(`proof-${runs}`), ...message });
		return await done;
	};
	const prove = async () => {
		for (let count = 0; count < 8; count += 1) await once();
	};
	const ahead = (run: string) =>
		slot.ahead(
			{ ...JOB, run },
			() => {},
			() => {},
		);
	return { slot, clock, talk, talks, once, prove, ahead };
}

describe('a slot', () => {
	it('takes jobs ahead only behind tasks that were short and quiet often enough, and of such', async () => {
		const { slot, prove } = await slotOver();
		await prove();
		expect(slot.takesAhead('n')).toBe(false);
		void slot.run({ ...JOB, run: 'r' }, () => {});
		expect([slot.takesAhead('n'), slot.takesAhead('other')]).toEqual([true, false]);
		await slot[Symbol.asyncDispose]();
		for (const spoil of [{ ms: 900 }, { kind: 'raised', type: 'E', message: '' }]) {
			const again = await slotOver();
			await again.prove();
			await again.once('n', spoil);
			void again.slot.run({ ...JOB, run: 'r' }, () => {});
			expect(again.slot.takesAhead('n')).toBe(false);
			await again.slot[Symbol.asyncDispose]();
		}
	});

	it('takes none once tasks have printed past the protocol', async () => {
		const { slot, talk, prove } = await slotOver();
		await prove();
		const noisy = slot.run({ ...JOB, run: 'noisy' }, () => {});
		talk.print('from a child\n');
		talk.say(end('noisy'));
		await noisy;
		void slot.run({ ...JOB, run: 'r' }, () => {});
		expect(slot.takesAhead('n')).toBe(false);
		await slot[Symbol.asyncDispose]();
	});

	it.each([
		[{ hardMs: 500 }, false],
		[{ hardMs: 5000 }, true],
		[{ recycleAfter: 9 }, false],
		[{ recycleAfter: 10 }, true],
	])('with the limits %j takes one ahead: %s', async (limits, takes) => {
		const { slot, prove } = await slotOver(limits);
		await prove();
		void slot.run({ ...JOB, run: 'r' }, () => {});
		expect(slot.takesAhead('n')).toBe(takes);
		await slot[Symbol.asyncDispose]();
	});

	it('takes none behind a task that has grown long, and takes back those it has', async () => {
		const { slot, clock, prove, ahead } = await slotOver();
		await prove();
		void slot.run({ ...JOB, run: 'r' }, () => {});
		const waiting = ahead('behind');
		await clock.advance(60);
		expect(slot.takesAhead('n')).toBe(false);
		slot.withdraw();
		expect(slot.outstanding).toBe(2);
		await clock.advance(300);
		slot.withdraw();
		expect(await waiting).toEqual({ kind: 'handed-back' });
		expect(slot.outstanding).toBe(1);
		await slot[Symbol.asyncDispose]();
	});

	it('takes nothing back that its runner began in time, though that is read late', async () => {
		const { slot, clock, talk, prove, ahead } = await slotOver();
		await prove();
		const first = slot.run({ ...JOB, run: 'first' }, () => {});
		const second = ahead('second');
		await clock.advance(360);
		slot.withdraw();
		talk.say(end('first', 'second'), end('second'));
		expect(await Promise.all([first, second])).toMatchObject([{ kind: 'returned' }, { kind: 'returned' }]);
		await turn();
		expect(talk.killed).toBe(false);
		await slot[Symbol.asyncDispose]();
	});

	it('kills for the sake of one run only that run: it waits until none can begin behind it, and lets go once it has ended', async () => {
		const { slot, clock, talk, prove, ahead } = await slotOver();
		await prove();
		const first = slot.run({ ...JOB, run: 'first' }, () => {});
		const second = ahead('second');
		slot.kill({ kind: 'revoked', by: 'me', at: 0 }, 'first');
		expect(talk.killed).toBe(false);
		talk.say(end('first', 'second'), end('second'));
		await clock.advance(1000);
		expect([await first, await second]).toMatchObject([{ kind: 'returned' }, { kind: 'returned' }]);
		expect(talk.killed).toBe(false);
		const third = slot.run({ ...JOB, run: 'third' }, () => {});
		slot.kill({ kind: 'revoked', by: 'me', at: 0 }, 'third');
		expect(await third).toMatchObject({ kind: 'killed', why: { kind: 'revoked' } });
		await slot[Symbol.asyncDispose]();
	});

	it('counts the hard limit of a job from when it begins', async () => {
		const { slot, clock, talk, prove, ahead } = await slotOver({ hardMs: 2000 });
		await prove();
		const first = slot.run({ ...JOB, run: 'first' }, () => {});
		const second = ahead('second');
		await clock.advance(200);
		talk.say(end('first', 'second'));
		await first;
		await clock.advance(1999);
		expect(talk.killed).toBe(false);
		await clock.advance(1);
		expect(await second).toEqual({ kind: 'killed', why: { kind: 'time', limitMs: 2000 } });
		await slot[Symbol.asyncDispose]();
	});

	it('starts its runner anew when that asks for it, and hands everything back that waited', async () => {
		const { slot, clock, talk, talks, prove, ahead } = await slotOver();
		await prove();
		const first = slot.run({ ...JOB, run: 'first' }, () => {});
		const others = [ahead('second'), ahead('third')];
		talk.say(end('first'), { t: 'declined', run: 'second', reason: 'changed' });
		expect(await Promise.all([first, ...others])).toMatchObject([
			{ kind: 'returned' },
			{ kind: 'handed-back' },
			{ kind: 'handed-back' },
		]);
		await clock.advance(0);
		expect([talks.length, slot.free]).toEqual([2, true]);
		await slot[Symbol.asyncDispose]();
	});

	it('has a hook called once all is back that waited behind the task that failed', async () => {
		const { slot, talk, prove, ahead } = await slotOver();
		await prove();
		const first = slot.run({ ...JOB, run: 'first' }, () => {});
		const second = ahead('second');
		talk.say({ ...end('first'), kind: 'raised', type: 'E', message: '' });
		expect(await first).toMatchObject({ kind: 'raised' });
		expect(slot.takesAhead('n')).toBe(false);
		const failure = { task: 'n', id: 'm', queue: 'q', attempt: 1, argsJson: '[]', kwargsJson: '{}' };
		const more = { exception: { type: 'E', message: '' }, traceback: null, notFound: false };
		const call = { run: 'hook', path: 'a.hook', failure: { ...failure, ...more }, log: [] };
		const hook = slot.hook(call, 1000, () => {});
		await turn();
		expect(talk.jobs.map((job) => job.hook)).not.toContain('a.hook');
		talk.say({ t: 'back', run: 'second' });
		expect(await second).toEqual({ kind: 'handed-back' });
		await turn();
		expect(talk.jobs.at(-1)?.hook).toBe('a.hook');
		talk.say(end('hook'));
		expect(await hook).toMatchObject({ kind: 'returned' });
		await slot[Symbol.asyncDispose]();
	});
});
