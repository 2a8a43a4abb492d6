/** Celery's results of each profile: read when asked for, followed while somebody looks, and told to history where it lacks an end. */
import { createKeyspace } from '#main/brokers/connect.ts';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { taskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { observedResult } from '#main/monitor/celery/result-fold.ts';
import { type FoundResult, ResultBackend } from '#main/monitor/celery/results.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import { PerProfile } from './per-profile.ts';
import type { Ports } from './ports.ts';

/** Between two looks for the ends of tasks that are open in history. */
const HEAL_MS = 60_000;
/** The same after a look that failed: the backend may be back in a moment. */
const HEAL_AGAIN_MS = 5_000;
/** Open tasks whose results are asked for in one such look. */
const MOST_OPEN = 5_000;
const OPEN = 'state:queued OR state:running OR state:retrying';
/** How often a followed result is read although nobody said that it changed, in ms: what is published reaches only who listens. */
const LOOK_AGAIN_MS = 5_000;

export interface CeleryResults extends AsyncDisposable {
	/** A profile's backend; `unsupported` for profiles that name none which can be read. */
	backend(profile: Profile): Result<ResultBackend>;
	/** A task's result, told to history if that lacks its end; null: none is kept. */
	read(profile: Profile, id: string): Promise<Result<FoundResult | null>>;
	/** Calls back with each change of a result, first with what is there, until disposed of. */
	follow(profile: Profile, id: string, tell: (found: Result<FoundResult | null>) => void): Result<Disposable>;
	/** Looks now for ends of tasks that are open in history; how many were found. */
	heal(profile: Profile): Promise<Result<number>>;
	/** The same again and again, until disposed of. */
	healing(profile: Profile): Disposable;
}

interface Live {
	readonly keyspace: Keyspace;
	readonly backend: ResultBackend;
}

/** Keeps the connections to results of one engine; nothing is connected before somebody asks. */
export function createCeleryResults(ports: Ports, profiles: Profiles, store: Store): CeleryResults {
	const { clock, log } = ports;
	const live = new PerProfile<Live>({
		madeOf: ({ results, name, secretsAt }) => JSON.stringify([results, name, secretsAt]),
		make(profile) {
			const { results } = profile;
			if (results?.kind !== 'redis') throw new Error(`"${profile.name}" has no results in a Redis.`);
			const keyspace = createKeyspace(results.address, {
				password: async () => {
					const secret = await profiles.secret(profile.id, 'results');
					return secret.ok ? secret.value : null;
				},
				clock,
				log,
				clientName: `Warren ${ports.version} (${profile.name})`,
			});
			keyspace.connect();
			return { keyspace, backend: new ResultBackend(keyspace, results.keyPrefix, clock) };
		},
		close: async ({ keyspace }) => keyspace[Symbol.asyncDispose](),
		onCloseFailed: (id, error) => log.warn('results.close-failed', { profile: id, reason: String(error) }),
	});

	function backend(profile: Profile): Result<ResultBackend> {
		const { results } = profile;
		if (profile.framework !== 'celery') {
			return fail(
				'unsupported',
				`"${profile.name}" is a profile of ${profile.framework}; only Celery has a result backend.`,
			);
		}
		if (results === undefined || results === null) {
			return fail(
				'unsupported',
				`"${profile.name}" does not say where its results are. Name the backend: profile edit ${profile.name} --results redis://host:6379/1`,
			);
		}
		if (results.kind === 'rpc') {
			return fail(
				'unsupported',
				`Results of "${profile.name}" come by rpc:// to who sent the task, and are kept nowhere else. Those of tasks sent from here are in history: task show.`,
			);
		}
		return ok(live.of(profile).backend);
	}

	/** Tells history of an end that it lacks. */
	async function complete(profile: Profile, id: string, found: FoundResult): Promise<boolean> {
		const op = observedResult(profile.id, found.result, found.source.readAt);
		if (op === null) return false;
		const known = await store.history.taskOfMessage(profile.id, id);
		const detail = known === null ? null : await store.history.detail(profile.id, known);
		// The attempt that this message carried; one that has ended needs no second witness.
		const attempt = detail?.history.findLast((one) => one.messageId === id);
		if (attempt !== undefined && !['queued', 'running', 'retrying', 'lost'].includes(attempt.state)) return false;
		// Of a task that history does not know only an extended result says enough to be one.
		if (detail === null && found.result.name === null) return false;
		await store.history.apply([op]);
		return true;
	}

	async function read(profile: Profile, id: string): Promise<Result<FoundResult | null>> {
		const at = backend(profile);
		if (!at.ok) return at;
		const found = await at.value.task(id);
		if (found.ok && found.value !== null) await complete(profile, id, found.value);
		return found;
	}

	async function heal(profile: Profile): Promise<Result<number>> {
		const at = backend(profile);
		if (!at.ok) return at;
		const open = await store.history.ids(profile.id, OPEN, MOST_OPEN);
		if (!open.ok) return open;
		const keys = await messagesOf(profile, open.value.map(String));
		const found = await at.value.tasks(keys);
		if (!found.ok) return found;
		const ops: HistoryOp[] = [];
		for (const { result, source } of found.value.values()) {
			const op = observedResult(profile.id, result, source.readAt);
			if (op !== null) ops.push(op);
		}
		if (ops.length > 0) await store.history.apply(ops);
		return ok(ops.length);
	}

	/** Results are kept by message: of a task that was requeued, by its newest one. */
	async function messagesOf(profile: Profile, ids: readonly string[]): Promise<readonly string[]> {
		const keys: string[] = [];
		for (let at = 0; at < ids.length; at += 500) {
			const rows = await store.history.rows(profile.id, ids.slice(at, at + 500).map(taskId));
			for (const row of rows) {
				const detail = row.attempts > 1 ? await store.history.detail(profile.id, row.id) : null;
				keys.push(detail?.history.at(-1)?.messageId || row.id);
			}
		}
		return keys;
	}

	return {
		backend,
		read,
		heal,
		follow(profile, id, tell) {
			const at = backend(profile);
			if (!at.ok) return at;
			let ended = false;
			let reading = false;
			let again = false;
			let timer: Disposable | null = null;
			const look = async () => {
				if (reading) {
					again = true;
					return;
				}
				reading = true;
				timer?.[Symbol.dispose]();
				try {
					do {
						again = false;
						const found = await read(profile, id);
						if (ended) return;
						tell(found);
					} while (again);
				} finally {
					reading = false;
					if (!ended) timer = clock.after(LOOK_AGAIN_MS, changed);
				}
			};
			const changed = () => {
				look().catch((error: unknown) =>
					log.error('results.follow-failed', { profile: profile.id, reason: String(error) }),
				);
			};
			const watch = at.value.watch(id, changed);
			changed();
			return ok({
				[Symbol.dispose]() {
					ended = true;
					watch[Symbol.dispose]();
					timer?.[Symbol.dispose]();
				},
			});
		},
		healing(profile) {
			let ended = false;
			let timer: Disposable | null = null;
			let trouble = '';
			const round = () => {
				let wait = HEAL_AGAIN_MS;
				heal(profile)
					.then((done) => {
						if (done.ok) wait = HEAL_MS;
						if (done.ok && done.value > 0) log.info('results.completed', { profile: profile.id, tasks: done.value });
						const words = done.ok || done.error.code === 'unsupported' ? '' : done.error.message;
						if (words !== '' && words !== trouble) log.warn('results.unread', { profile: profile.id, reason: words });
						trouble = words;
					})
					.catch((error: unknown) => log.error('results.heal-failed', { profile: profile.id, reason: String(error) }))
					.finally(() => {
						if (!ended) timer = clock.after(wait, round);
					});
			};
			if (profile.results?.kind === 'redis') round();
			return {
				[Symbol.dispose]() {
					ended = true;
					timer?.[Symbol.dispose]();
				},
			};
		},
		[Symbol.asyncDispose]: () => live[Symbol.asyncDispose](),
	};
}
