/** The service's process with the engine and the consumers in it. It lives and dies with its supervisor's wishes. */
import process from 'node:process';
import type { ConsoleLine, ConsumerSetView } from '#main/domain/consumer.ts';
import { type Failure, fail } from '#main/domain/result.ts';
import { LOG_LEVELS } from '#main/domain/task.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallContext } from '#main/ipc/handlers.ts';
import { harmlessColours, type Style } from '../cli/text.ts';
import { type Host, openHost } from '../host.ts';
import { stamp } from './log-file.ts';
import { takeSignal } from './signals.ts';
import type { FromWorker, ServiceSpec, ToWorker } from './spec.ts';

const BEAT_MS = 1_000;
const PLAIN: Style = { colour: false, width: 0 };

/** Takes its orders over the pipe to its supervisor; resolves with the exit code when all consumers have stopped. */
export async function work(): Promise<number> {
	if (process.send === undefined) {
		process.stderr.write('warren: this is a part of "warren consumer start" and runs under it only.\n');
		return EXIT.usage;
	}
	const orders = new Orders();
	// Whoever ends the service tells the supervisor; a signal to the group is not meant for this process alone.
	takeSignal('SIGINT', () => {});
	takeSignal('SIGHUP', () => {});
	takeSignal('SIGTERM', () => orders.stop(false));
	process.on('message', (message: ToWorker) => orders.take(message));
	// Without a supervisor nobody could stop or restart it: end what runs, and end.
	process.on('disconnect', () => orders.stop(false));
	const spec = await orders.begun;
	await using stack = new AsyncDisposableStack();
	const opened = await openHost({
		host: 'cli',
		home: spec.home,
		env: process.env,
		trouble: (words) => process.stderr.write(`${stamp(Date.now())} warning  warren: ${words}\n`),
	});
	if (!opened.ok) return giveUp(opened.error);
	const host = stack.use(opened.value);
	const worker = new Worker(host, spec);
	stack.use(worker);
	const began = await worker.begin();
	if (began !== null) return giveUp(began);
	orders.serve(worker);
	await worker.ended;
	return EXIT.done;
}

function tell(message: FromWorker): void {
	// The pipe may be closing under it; then nobody listens.
	if (process.connected) process.send?.(message, () => {});
}

function giveUp(error: Failure): Promise<number> {
	return new Promise((resolve) => {
		if (!process.connected) resolve(EXIT.failed);
		else process.send?.({ kind: 'failed', error } satisfies FromWorker, () => resolve(EXIT.failed));
	});
}

/** Holds orders that come before there is somebody to carry them out. */
class Orders {
	readonly begun: Promise<ServiceSpec>;
	readonly #begin: (spec: ServiceSpec) => void;
	#worker: Worker | null = null;
	#stop: boolean | null = null;

	constructor() {
		const { promise, resolve } = Promise.withResolvers<ServiceSpec>();
		this.begun = promise;
		this.#begin = resolve;
	}

	take(message: ToWorker): void {
		switch (message.kind) {
			case 'begin':
				this.#begin(message.spec);
				return;
			case 'stop':
				this.stop(message.now);
				return;
			case 'call':
				void this.#call(message.id, message.route, message.input);
				return;
		}
	}

	stop(now: boolean): void {
		this.#stop = now || this.#stop === true;
		this.#worker?.stop(this.#stop);
	}

	serve(worker: Worker): void {
		this.#worker = worker;
		if (this.#stop !== null) worker.stop(this.#stop);
	}

	async #call(id: number, route: string, input: unknown): Promise<void> {
		const answer =
			this.#worker === null ? fail('busy', 'The consumers are starting.') : await this.#worker.call(route, input);
		tell({ kind: 'answer', id, answer });
	}
}

class Worker implements AsyncDisposable {
	readonly ended: Promise<void>;
	readonly #end: () => void;
	readonly #host: Host;
	readonly #spec: ServiceSpec;
	readonly #context: CallContext;
	readonly #closing = new AbortController();
	readonly #stack = new DisposableStack();
	readonly #views = new Map<string, ConsumerSetView>();
	#ids: readonly string[] = [];

	constructor(host: Host, spec: ServiceSpec) {
		this.#host = host;
		this.#spec = spec;
		this.#context = { host: 'cli', actor: `${host.actor} (service)`, signal: this.#closing.signal };
		const { promise, resolve } = Promise.withResolvers<void>();
		this.ended = promise;
		this.#end = resolve;
	}

	/** Starts the consumers; a failure that trying again would not mend. */
	async begin(): Promise<Failure | null> {
		const profile = this.#spec.profile.id;
		const watched = await this.#watch(profile);
		if (watched !== null) return watched;
		const started =
			this.#spec.run === null ? await this.#startSets(profile) : await this.#startRun(profile, this.#spec.run);
		if (started !== null) return started;
		const beat = setInterval(() => void this.#report(), BEAT_MS);
		this.#stack.defer(() => clearInterval(beat));
		await this.#report();
		return null;
	}

	stop(now: boolean): void {
		if (this.#ids.length === 0) this.#end();
		for (const id of this.#ids) void this.call('consumer.stop', { id, now });
		this.#look();
	}

	async call(route: string, input: unknown): Promise<unknown> {
		const own = { ...(input as object), profile: this.#spec.profile.id };
		const answer = await this.#host.engine.router.call(route, own, this.#context);
		return answer.ok ? { ok: true, value: answer.data } : answer;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing.abort();
		this.#stack.dispose();
	}

	async #watch(profile: string): Promise<Failure | null> {
		const { router } = this.#host.engine;
		const see = (items: readonly unknown[]) => {
			for (const { key, set } of items as readonly { readonly key: string; readonly set: ConsumerSetView | null }[]) {
				if (set !== null) this.#views.set(key, set);
			}
			this.#look();
		};
		const print = (items: readonly unknown[]) => {
			for (const line of items as readonly ConsoleLine[]) this.#print(line);
		};
		for (const [stream, sink] of [
			['consumer.watch', { snapshot: see, put: see, end() {} }],
			['console.watch', { snapshot: print, put: print, end() {} }],
		] as const) {
			const opened = await router.open(stream, { profile }, sink, this.#context);
			if (!opened.ok) return opened.error;
			this.#stack.use(opened.value);
		}
		return null;
	}

	async #startSets(profile: string): Promise<Failure | null> {
		const { router } = this.#host.engine;
		const answer = await router.call(
			'consumer.start',
			{ profile, sets: this.#spec.sets, noScheduler: !this.#spec.scheduler },
			this.#context,
		);
		if (!answer.ok) return answer.error;
		const { items } = answer.data as {
			readonly items: readonly {
				readonly name: string;
				readonly reason: string | null;
				readonly set: ConsumerSetView | null;
			}[];
		};
		const refused = items.find((one) => one.set === null);
		if (refused !== undefined) {
			return fail('conflict', `"${refused.name}" cannot be started: ${refused.reason ?? 'no reason was given'}`).error;
		}
		this.#ids = items.flatMap((one) => (one.set === null ? [] : [one.set.id]));
		for (const { set } of items) if (set !== null) this.#views.set(set.id, set);
		return null;
	}

	async #startRun(profile: string, run: Readonly<Record<string, unknown>>): Promise<Failure | null> {
		const input = { ...run, profile, noScheduler: !this.#spec.scheduler };
		const answer = await this.#host.engine.router.call('consumer.run', input, this.#context);
		if (!answer.ok) return answer.error;
		const set = answer.data as ConsumerSetView;
		this.#ids = [set.id];
		this.#views.set(set.id, set);
		return null;
	}

	#look(): void {
		if (this.#ids.length === 0) return;
		const all = this.#ids.map((id) => this.#views.get(id));
		if (all.every((view) => view?.state === 'stopped')) this.#end();
	}

	async #report(): Promise<void> {
		const { router } = this.#host.engine;
		const profile = await router.call('profile.show', { name: this.#spec.profile.id }, this.#context);
		const listed = await router.call('consumer.list', { profile: this.#spec.profile.id }, this.#context);
		if (!profile.ok || !listed.ok) return;
		const { connection } = profile.data as { readonly connection: { readonly kind: 'idle' } };
		const { items } = listed.data as { readonly items: readonly ConsumerSetView[] };
		tell({ kind: 'report', report: { connection, sets: items.filter((one) => this.#ids.includes(one.id)) } });
	}

	#print(line: ConsoleLine): void {
		if (LOG_LEVELS[line.level] < LOG_LEVELS[this.#spec.logLevel]) return;
		const from = [line.slot === null ? 'warren' : `slot ${line.slot}`, line.taskName, line.taskId, line.logger];
		const where = from.filter((part) => part !== null).join(' ');
		for (const text of line.text.split('\n')) {
			process.stdout.write(`${stamp(line.at)} ${line.level.padEnd(8)} ${where}: ${harmlessColours(PLAIN, text)}\n`);
		}
	}
}
