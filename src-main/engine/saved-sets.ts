/**
 * Saved consumer sets: kept in the store, run by `consumers`. The values of a set's environment are secrets as likely as not, so
 * the vault keeps them and the store only their names.
 */
import { randomUUID } from 'node:crypto';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { ConsumerIntent, ConsumerSetView, SavedConsumerSet, SavedQueue } from '#main/domain/consumer.ts';
import { type ConsumerSetId, consumerSetId, type ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SetStart } from '#main/ipc/contract/consumer.ts';
import { type Core, target } from './core.ts';

type Env = Readonly<Record<string, string>>;

function envKey(id: ConsumerSetId): string {
	return `consumer-set/${id}/env`;
}

/** A profile's saved set by id or name. */
export async function findSet(core: Core, profile: Profile, idOrName: string): Promise<Result<SavedConsumerSet>> {
	const sets = await core.store.sets.list(profile.id);
	const found = sets.find((one) => one.name === idOrName) ?? sets.find((one) => one.id === idOrName);
	if (found !== undefined) return ok(found);
	const names = sets.map((one) => `"${one.name}"`).join(', ');
	const there = names === '' ? 'None is saved yet: "consumer save" makes one.' : `There are: ${names}.`;
	return fail('not-found', `${profile.name} has no consumer set "${idOrName}". ${there}`);
}

/** The set as it is to run: its queues that are consumed, and its environment from the vault. */
export async function intentOf(core: Core, set: SavedConsumerSet): Promise<Result<ConsumerIntent>> {
	const env = await readEnv(core, set);
	if (!env.ok) return env;
	const queues = set.queues.filter((one) => one.consumable).map((one) => one.queue);
	return ok({ ...set.intent, queues, runner: { ...set.intent.runner, env: env.value } });
}

async function readEnv(core: Core, set: SavedConsumerSet): Promise<Result<Env>> {
	const names = Object.keys(set.intent.runner.env);
	if (names.length === 0) return ok({});
	const kept = await core.ports.vault.get(envKey(set.id));
	if (!kept.ok) return kept;
	const values = kept.value === null ? {} : (JSON.parse(kept.value) as Env);
	const lost = names.filter((name) => values[name] === undefined);
	if (lost.length === 0) return ok(Object.fromEntries(names.map((name) => [name, values[name] as string])));
	return fail(
		'gone',
		`The vault no longer has ${lost.join(', ')} of "${set.name}". Save the set again with --env ${lost[0]}=….`,
	);
}

export interface SetDraft {
	/** Null: a new one. */
	readonly before: SavedConsumerSet | null;
	readonly name: string;
	readonly queues: readonly SavedQueue[];
	/** With the environment's values, where `envGiven`. */
	readonly intent: ConsumerIntent;
	readonly envGiven: boolean;
	readonly autoStart: boolean;
	readonly declare: boolean;
}

/** Saves a new set, or a changed one. */
export async function saveSet(core: Core, profile: Profile, draft: SetDraft): Promise<Result<SavedConsumerSet>> {
	const { before, intent } = draft;
	const consumed = draft.queues.filter((one) => one.consumable).length;
	if (draft.autoStart && consumed === 0) {
		return fail('invalid-input', `"${draft.name}" consumes none of its queues, so there is nothing to start.`);
	}
	const at = core.ports.clock.now();
	const id = before?.id ?? consumerSetId(randomUUID().slice(0, 8));
	const set: SavedConsumerSet = {
		id,
		profile: profile.id,
		name: draft.name,
		queues: draft.queues,
		intent: {
			...intent,
			queues: [],
			untilEmpty: false,
			runner: { ...intent.runner, env: namesOnly(intent.runner.env) },
		},
		autoStart: draft.autoStart,
		declare: draft.declare,
		createdAt: before?.createdAt ?? at,
		updatedAt: at,
	};
	const taken = (await core.store.sets.list(profile.id)).find((one) => one.name === set.name && one.id !== id);
	if (taken !== undefined)
		return fail('conflict', `${profile.name} has a consumer set "${set.name}" already. Choose another name.`);
	// Values first: a set that cannot be started would be worse than values nobody refers to yet.
	if (draft.envGiven) {
		const values = intent.runner.env;
		const key = envKey(id);
		const { vault } = core.ports;
		const kept =
			Object.keys(values).length === 0 ? await vault.remove(key) : await vault.set(key, JSON.stringify(values));
		if (!kept.ok) return kept;
	}
	const put = await core.store.sets.put(set);
	return put.ok ? ok(set) : put;
}

function namesOnly(env: Env): Env {
	return Object.fromEntries(Object.keys(env).map((name) => [name, '']));
}

/** Removes a set and what the vault keeps of it. */
export async function forgetSet(core: Core, set: SavedConsumerSet): Promise<Result<void>> {
	await core.store.sets.remove(set.profile, set.id);
	return core.ports.vault.remove(envKey(set.id));
}

/** Removes what the vault keeps for the sets of a profile that is about to be removed. */
export async function forgetSetsOf(core: Core, profile: ProfileId): Promise<Result<void>> {
	for (const set of await core.store.sets.list(profile)) {
		const forgotten = await forgetSet(core, set);
		if (!forgotten.ok) return forgotten;
	}
	return ok(undefined);
}

/** Starts a saved set in this process, unless it runs here already. */
export async function startSet(core: Core, profile: Profile, set: SavedConsumerSet): Promise<SetStart> {
	const { name } = set;
	const running = core.consumers.running(profile.id, set.id);
	if (running !== null) {
		const reason = running.state === 'draining' ? 'It is still ending its last tasks.' : null;
		return { name, outcome: running.state === 'draining' ? 'refused' : 'already', reason, set: running };
	}
	const intent = await intentOf(core, set);
	if (!intent.ok) return { name, outcome: 'refused', reason: intent.error.message, set: null };
	if (intent.value.queues.length === 0) {
		return { name, outcome: 'refused', reason: 'None of its queues is consumed.', set: null };
	}
	const { driver } = target(core, profile);
	const view = core.consumers.start(profile, driver, intent.value, { id: set.id, name });
	if (set.declare === true || profile.broker.kind === 'embedded')
		declareInTime(core, profile, driver, set.queues, view);
	return { name, outcome: 'started', reason: null, set: view };
}

/** Declares those of these queues that are consumed and missing, as carrot's consumers do. */
export async function declareQueues(driver: BrokerDriver, queues: readonly SavedQueue[]): Promise<Result<void>> {
	for (const { queue, consumable, maxPriority } of queues) {
		if (!consumable) continue;
		const done = await driver.ensureQueue(
			maxPriority === undefined ? carrotQueue(queue) : { ...carrotQueue(queue), maxPriority },
		);
		if (!done.ok) return done;
	}
	return ok(undefined);
}

/** The same once the broker is there, which may be long after the consumer was started. */
export function declareInTime(
	core: Core,
	profile: Profile,
	driver: BrokerDriver,
	queues: readonly SavedQueue[],
	view: ConsumerSetView,
): void {
	let work: Promise<void> | null = null;
	const declare = async () => {
		const done = await declareQueues(driver, queues);
		if (!done.ok) core.ports.log.warn('consumer.not-declared', { set: view.id, reason: done.error.message });
		// What the broker refuses it would refuse again; the set's own note says what is missing.
		if (done.ok || !done.error.retryable) watch[Symbol.dispose]();
	};
	const look = () => {
		if (driver.state().kind !== 'connected' || work !== null) return;
		work = declare()
			.catch((error: unknown) => core.ports.log.error('consumer.declare-failed', { reason: String(error) }))
			.finally(() => {
				work = null;
			});
	};
	const watch = driver.onState(look);
	void core.consumers.finished(profile.id, view.id).then(() => watch[Symbol.dispose]());
	look();
}

/** Starts every set that starts by itself, of every profile that takes changes. For hosts that stay. */
export async function startByThemselves(core: Core): Promise<void> {
	for (const profile of await core.profiles.list()) {
		const sets = (await core.store.sets.list(profile.id)).filter((set) => set.autoStart);
		if (sets.length > 0 && profile.readOnly) {
			core.ports.log.warn('consumer.not-started', { profile: profile.id, reason: 'The profile is read-only.' });
			continue;
		}
		for (const set of sets) {
			const { outcome, reason } = await startSet(core, profile, set);
			core.ports.log.info('consumer.auto-start', { profile: profile.id, set: set.name, outcome, reason });
		}
	}
}
