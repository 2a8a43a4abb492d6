/**
 * A consumer set in a storm, by a clock that a test moves: the broker goes away in the middle of everything, history refuses and is slow,
 * processes die, slots come and go, and sets are stopped and started. When it is over every message is settled, none before its outcome
 * was kept, and what has ended well was run once. What goes wrong names its seed.
 */
import { expect, it } from 'vitest';
import type { ConsumerSet } from '#main/consumer/ports.ts';
import type { JobEnd } from '#main/consumer/runner.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { returned, world } from './fakes.ts';

const SEEDS = process.env.WARREN_LONG === undefined ? 80 : 2_000;
const MESSAGES = 120;
const QUEUES = ['one', 'two'];

/** What went wrong in one storm, in words. */
async function storm(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock();
	const here = world();
	const faults = new Set<string>();
	/** By message, how often a task came to its end. */
	const ended = new Map<string, number>();
	let bad = 0;
	let slow = 0;
	here.broker.onAck = (id) => {
		if (here.history.of(id).at(-1)?.outcome == null) faults.add(`${id} was acknowledged before its outcome was kept`);
	};
	here.runners.behaviour = async (job, lines, killed): Promise<JobEnd> => {
		void lines([{ at: time.now(), level: 'info', source: 'log', logger: null, text: job.messageId }]);
		let over = false;
		const done = new Promise<void>((resolve) => void time.after(random() < 0.7 ? 0 : random() * 2_000, resolve));
		await Promise.race([
			done,
			killed.then(() => {
				over = true;
			}),
		]);
		if (over || random() < bad * 0.2) return { kind: 'died', exitCode: null, signal: 'SIGKILL', lastWords: '' };
		ended.set(job.messageId, (ended.get(job.messageId) ?? 0) + 1);
		if (random() < 0.8) return returned('7');
		return { kind: 'raised', exception: { type: 'KeyError', message: 'x' }, traceback: null, runtimeMs: 1 };
	};
	// One transaction behind the other, as the store's thread does it.
	let queue: Promise<unknown> = Promise.resolve();
	const apply = (ops: readonly HistoryOp[]) => {
		const done = queue.then(async () => {
			if (random() < slow) await new Promise<void>((resolve) => void time.after(random() * 1_500, resolve));
			return await here.history.apply(ops);
		});
		queue = done.catch(() => {});
		return done;
	};
	here.history.refuse = () => (random() < bad ? 'disk full' : null);
	let sets = 0;
	const begin = (): ConsumerSet => {
		sets += 1;
		const intent = { queues: QUEUES, concurrency: 1 + Math.floor(random() * 4) };
		const { detail, foresee } = here.history;
		const history = random() < 0.5 ? { apply, detail, foresee } : { apply, detail };
		return here.start(intent, { clock: time, history, worker: `host:1:set-${sets}` });
	};
	let set = begin();
	let hurried = false;
	let connected = true;
	for (let sent = 0; sent < MESSAGES; ) {
		for (let more = Math.ceil(random() ** 2 * 15); more > 0 && sent < MESSAGES; more -= 1, sent += 1) {
			here.broker.task(QUEUES[sent % 2] as string, `m${sent}`);
		}
		await time.advance(Math.round(random() * 600));
		const dice = random();
		if (dice < 0.25) [bad, slow] = [random() < 0.5 ? 0 : random(), random() < 0.5 ? 0 : random()];
		else if (dice < 0.45) [bad, slow] = [0, 0];
		else if (dice < 0.65) {
			if (connected) here.broker.drop();
			else here.broker.reconnect();
			connected = !connected;
		} else if (dice < 0.8) set.resize(1 + Math.floor(random() * 5));
		else if (dice < 0.9) {
			const how = random() < 0.5 ? 'drain' : 'now';
			hurried ||= how === 'now';
			let over = false;
			void set.stop(how).then(() => {
				over = true;
			});
			// A store that refuses for ever keeps a drain waiting for ever, as it should.
			[bad, slow] = [how === 'drain' ? 0 : bad, 0];
			for (let waited = 0; !over && waited < 400; waited += 1) await time.advance(100);
			if (!over) faults.add(`a stop (${how}) never ended`);
			set = begin();
		}
	}
	[bad, slow] = [0, 0];
	if (!connected) here.broker.reconnect();
	await time.advance(60_000);
	const { broker, history } = here;
	if (broker.waiting + broker.held > 0) faults.add(`${broker.waiting} wait and ${broker.held} are held at the end`);
	const acked = new Map<string, number>();
	for (const id of broker.acked) acked.set(id, (acked.get(id) ?? 0) + 1);
	for (let index = 0; index < MESSAGES; index += 1) {
		const id = `m${index}`;
		if (acked.get(id) !== 1) faults.add(`${id} was acknowledged ${acked.get(id) ?? 0} times`);
		const runs = history.of(id);
		if (runs.at(-1)?.outcome == null) faults.add(`${id} has no outcome`);
		// A stop that waits for nothing may give a message back whose end could not be written any more.
		if (!hurried && runs.some((one) => one.outcome === null)) faults.add(`a run of ${id} has no outcome`);
		if (!hurried && (ended.get(id) ?? 0) > 1) faults.add(`${id} came to its end ${ended.get(id)} times`);
	}
	let closed = false;
	void here[Symbol.asyncDispose]().then(() => {
		closed = true;
	});
	for (let waited = 0; !closed && waited < 200; waited += 1) await time.advance(100);
	if (!closed) faults.add('the set never ended');
	return [...faults].map((fault) => `seed ${seed}: ${fault}`);
}

it('settles every message once it is over, and runs none again that has ended', async () => {
	const faults: string[] = [];
	for (let seed = 1; seed <= SEEDS; seed += 1) faults.push(...(await storm(seed)));
	expect(faults).toEqual([]);
}, 600_000);
