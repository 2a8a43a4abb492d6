/**
 * Notices what others change among RedBeat's keys. RedBeat tells nobody of anything, so it is asked: Redis itself makes a digest of all
 * definitions, a thousand at a time, and only the digests travel.
 */
import { createHash } from 'node:crypto';
import type { KeyScript, Keyspace } from '#main/brokers/keyspace.ts';
import type { Clock } from '#main/domain/clock.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { RedbeatKeys } from './redbeat-entry.ts';
import { listOf } from './redis-replies.ts';

/** How often Redis is asked, in ms; and where it will not run scripts, and all definitions have to travel. */
const LOOK_EVERY = 3_000;
const READ_EVERY = 15_000;
/** Runs move scores all the time: they are told of this often at most, in ms. */
const TELL_RUNS_EVERY = 15_000;
/** Entries per step: a few milliseconds of Redis's time. */
const STEP = 500;

/**
 * Two digests of a stretch of the schedule: of names and definitions, and of scores. Those of single definitions are put together by
 * exclusive or, so their order, which changes with every run, does not count.
 */
const DIGESTS: KeyScript = {
	name: 'redbeat-digests',
	lua: `
local found = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
local pcall, sha1hex, sub, bxor = redis.pcall, redis.sha1hex, string.sub, bit.bxor
local first, second = 0, 0
for index = 1, #found, 2 do
	local definition = pcall('HGET', found[index], 'definition')
	if type(definition) ~= 'string' then definition = '' end
	local digest = sha1hex(found[index] .. '\\n' .. definition)
	first = bxor(first, tonumber(sub(digest, 1, 8), 16))
	second = bxor(second, tonumber(sub(digest, 9, 16), 16))
end
return {#found / 2, first, second, sha1hex(table.concat(found, '\\n'))}`,
};

interface Digest {
	readonly definitions: string;
	readonly scores: string;
}

/** Asks while somebody listens. */
export class RedbeatWatch implements Disposable {
	readonly #keyspace: Keyspace;
	readonly #keys: RedbeatKeys;
	readonly #clock: Clock;
	readonly #listeners = new Set<() => void>();
	#watching: DisposableStack | null = null;
	#known: Digest | null = null;
	#toldRunsAt = 0;
	/** Redis refused the script: then definitions are fetched whole, less often. */
	#scripts = true;

	constructor(keyspace: Keyspace, keys: RedbeatKeys, clock: Clock) {
		this.#keyspace = keyspace;
		this.#keys = keys;
		this.#clock = clock;
	}

	add(listener: () => void): Disposable {
		const own = () => listener();
		this.#listeners.add(own);
		this.#watching ??= this.#start();
		return {
			[Symbol.dispose]: () => {
				if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop();
			},
		};
	}

	[Symbol.dispose](): void {
		this.#listeners.clear();
		this.#stop();
	}

	#start(): DisposableStack {
		const stack = new DisposableStack();
		let timer: Disposable | null = null;
		const again = () => {
			timer = this.#clock.after(this.#scripts ? LOOK_EVERY : READ_EVERY, () => {
				void this.#look(stack).then(() => {
					if (!stack.disposed) again();
				});
			});
		};
		stack.defer(() => timer?.[Symbol.dispose]());
		stack.use(
			this.#keyspace.onState((state) => {
				if (state.kind === 'connected') this.#tell();
			}),
		);
		again();
		return stack;
	}

	#stop(): void {
		this.#watching?.[Symbol.dispose]();
		this.#watching = null;
		this.#known = null;
	}

	async #look(asked: DisposableStack): Promise<void> {
		if (this.#keyspace.state().kind !== 'connected') return;
		const digest = this.#scripts ? await this.#byScript() : await this.#byReading();
		// Whatever went wrong: the next look comes soon, or the next connection.
		if (!digest.ok || asked.disposed) return;
		const before = this.#known;
		this.#known = digest.value;
		// At first nobody knows what somebody read before this; so it is told.
		if (before === null || before.definitions !== digest.value.definitions) return this.#tell();
		if (before.scores === digest.value.scores) return;
		if (this.#clock.monotonic() - this.#toldRunsAt >= TELL_RUNS_EVERY) return this.#tell();
		// Kept as it was, so that a later look tells it.
		this.#known = { ...digest.value, scores: before.scores };
	}

	async #byScript(): Promise<Result<Digest>> {
		const around = await this.#around();
		if (!around.ok) return around;
		let [first, second] = [0, 0];
		const scores: string[] = [];
		for (let from = 0; ; from += STEP) {
			const part = await this.#keyspace.script(DIGESTS, [this.#keys.schedule], [from, from + STEP - 1]);
			if (!part.ok) {
				if (part.error.code === 'refused') this.#scripts = false;
				return part;
			}
			const [count, one, two, at] = listOf(part.value);
			first ^= Number(one);
			second ^= Number(two);
			scores.push(String(at));
			if (Number(count) < STEP) break;
		}
		return ok({ definitions: `${around.value} ${first} ${second}`, scores: scores.join(' ') });
	}

	async #byReading(): Promise<Result<Digest>> {
		const around = await this.#around();
		if (!around.ok) return around;
		const definitions: string[] = [];
		const scores: string[] = [];
		for (let from = 0; ; from += STEP) {
			const part = await this.#keyspace.call('ZRANGE', this.#keys.schedule, from, from + STEP - 1, 'WITHSCORES');
			if (!part.ok) return part;
			const found = listOf(part.value).map(String);
			const keys = found.filter((_, index) => index % 2 === 0);
			const texts = await this.#keyspace.pipeline(keys.map((key) => ['HGET', key, 'definition']));
			if (!texts.ok) return texts;
			for (const [index, text] of texts.value.entries()) {
				definitions.push(sha(`${keys[index]}\n${text.ok ? text.value : ''}`));
				scores.push(sha(`${keys[index]}\n${found[index * 2 + 1]}`));
			}
			if (keys.length < STEP) break;
		}
		const whole = (parts: string[]) => sha(parts.sort().join(''));
		return ok({ definitions: `${around.value} ${whole(definitions)}`, scores: whole(scores) });
	}

	/** What else a reading shows: whether a beat runs, and how many names are the app's own. */
	async #around(): Promise<Result<string>> {
		const answers = await this.#keyspace.pipeline([
			['EXISTS', this.#keys.lock],
			['SCARD', this.#keys.statics],
		]);
		return answers.ok ? ok(answers.value.map((one) => (one.ok ? String(one.value) : '?')).join(' ')) : answers;
	}

	#tell(): void {
		this.#toldRunsAt = this.#clock.monotonic();
		for (const listener of [...this.#listeners]) listener();
	}
}

function sha(text: string): string {
	return createHash('sha1').update(text).digest('hex');
}
