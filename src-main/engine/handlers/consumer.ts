/** Handlers of the routes about consumers and the sets they are started from. */
import type { SavedConsumerSet, SavedQueue } from '#main/domain/consumer.ts';
import { taskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ImportedQueue, SavedSetView, SetStart } from '#main/ipc/contract/consumer.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { readCarrotSettings } from '../carrot-settings.ts';
import { readIntent, withoutSettings } from '../consumer-intent.ts';
import { type Core, targetOf } from '../core.ts';
import { declareInTime, declareQueues, findSet, forgetSet, intentOf, saveSet, startSet } from '../saved-sets.ts';

type Name =
	| 'consumer.list'
	| 'consumer.run'
	| 'consumer.stop'
	| 'consumer.start'
	| 'consumer.restart'
	| 'consumer.resize'
	| 'consumer.cancel'
	| 'consumer.sets'
	| 'consumer.save'
	| 'consumer.forget'
	| 'consumer.import';

const READY_MS = 10_000;
/** A consumer that stays starts without its broker and declares its queues later. */
const SOON_MS = 2_000;

export function consumerHandlers(core: Core): Pick<CallHandlers, Name> {
	const { consumers, profiles, store } = core;
	const viewOf = (set: SavedConsumerSet): SavedSetView => ({ set, running: consumers.running(set.profile, set.id) });
	return {
		'consumer.list': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = consumers.list(profile.value.id);
			return ok({ items, total: items.length });
		},
		'consumer.run': async (input) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { driver, profile } = target.value;
			const intent = readIntent(core.ports, profile, input, null);
			if (!intent.ok) return intent;
			const queues = [...new Set(input.queues)].map((queue) => ({ queue, consumable: true }));
			const declares = input.declare === true || profile.broker.kind === 'embedded';
			// Whoever wants an empty queue must not mistake one that is still to be declared for it.
			const now = declares ? await driver.ready(input.untilEmpty === true ? READY_MS : SOON_MS) : null;
			if (now?.ok === true) {
				const declared = await declareQueues(driver, queues);
				if (!declared.ok) return declared;
			} else if (now !== null && input.untilEmpty === true) return now;
			const names = queues.map((one) => one.queue);
			const { untilEmpty = false } = input;
			const view = consumers.start(profile, driver, { ...intent.value, queues: names, untilEmpty });
			if (input.noScheduler !== true) runSchedules(core, profile);
			if (now?.ok === false) declareInTime(core, profile, driver, queues, view);
			return ok(view);
		},
		'consumer.stop': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			return consumers.stop(profile.value.id, input.id, input.now === true ? 'now' : 'drain');
		},
		'consumer.start': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const chosen = await chosenSets(core, profile.value, input);
			if (!chosen.ok) return chosen;
			const items: SetStart[] = [];
			for (const set of chosen.value) items.push(await startSet(core, profile.value, set));
			if (input.noScheduler !== true && items.some((item) => item.set !== null)) runSchedules(core, profile.value);
			return ok({ items, total: items.length });
		},
		'consumer.restart': async (input) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { profile, driver } = target.value;
			const before = consumers.intentOf(profile.id, input.id);
			const running = consumers.running(profile.id, input.id);
			const saved = await findSet(core, profile, running?.saved?.id ?? input.id);
			if (before === null && !saved.ok) return saved;
			if (running !== null) {
				const stopped = consumers.stop(profile.id, input.id, input.now === true ? 'now' : 'drain');
				if (!stopped.ok) return stopped;
				await consumers.finished(profile.id, running.id);
			}
			if (saved.ok) {
				const { outcome, reason, set } = await startSet(core, profile, saved.value);
				return set === null || outcome === 'refused' ? fail('conflict', reason ?? 'It was not started.') : ok(set);
			}
			return before === null ? saved : ok(consumers.start(profile, driver, before));
		},
		'consumer.resize': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const resized = consumers.resize(profile.value.id, input.id, input.concurrency);
			const id = resized.ok ? resized.value.saved?.id : undefined;
			if (resized.ok && input.save === true && id !== undefined) {
				const set = await findSet(core, profile.value, id);
				if (!set.ok) return set;
				const intent = { ...set.value.intent, concurrency: input.concurrency };
				const put = await store.sets.put({ ...set.value, intent, updatedAt: core.ports.clock.now() });
				if (!put.ok) return put;
			}
			return resized;
		},
		'consumer.cancel': async (input, context) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			const task = (await store.history.taskOfMessage(id, input.task)) ?? taskId(input.task);
			if (await consumers.cancel(id, task, context.actor)) return ok({ cancelled: true });
			return fail(
				'not-found',
				`The task ${input.task} does not run in this process, so it cannot be cancelled from here.`,
			);
		},
		'consumer.sets': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = (await store.sets.list(profile.value.id)).map(viewOf);
			return ok({ items, total: items.length });
		},
		'consumer.save': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const before = (await store.sets.list(profile.value.id)).find((set) => set.name === input.name) ?? null;
			if (before !== null && input.copyOf !== undefined) {
				return fail(
					'conflict',
					`${profile.value.name} has a consumer set "${input.name}" already. Choose another name.`,
				);
			}
			const model = input.copyOf === undefined ? ok(before) : await findSet(core, profile.value, input.copyOf);
			if (!model.ok) return model;
			const queues = readQueues(input, model.value);
			if (!queues.ok) return queues;
			const env = await readSavedEnv(core, model.value, input);
			if (!env.ok) return env;
			const base = model.value === null ? null : withoutSettings(model.value.intent, input.clear ?? []);
			const intent = readIntent(core.ports, profile.value, { ...input, env: env.value ?? undefined }, base);
			if (!intent.ok) return intent;
			const saved = await saveSet(core, profile.value, {
				before,
				name: input.rename ?? input.name,
				queues: queues.value,
				intent: intent.value,
				envGiven: env.value !== null,
				autoStart: input.autoStart ?? before?.autoStart ?? false,
				declare: input.declare ?? model.value?.declare ?? false,
			});
			return saved.ok ? ok(viewOf(saved.value)) : saved;
		},
		'consumer.forget': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const set = await findSet(core, profile.value, input.name);
			if (!set.ok) return set;
			const forgotten = await forgetSet(core, set.value);
			return forgotten.ok ? ok({ forgotten: set.value.name }) : forgotten;
		},
		'consumer.import': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			return importSets(core, profile.value, input);
		},
	};
}

async function chosenSets(
	core: Core,
	profile: Profile,
	input: HandlerInput<'consumer.start'>,
): Promise<Result<readonly SavedConsumerSet[]>> {
	if (input.all === true) {
		const all = (await core.store.sets.list(profile.id)).filter((set) => set.autoStart);
		if (all.length > 0) return ok(all);
		return fail(
			'not-found',
			`No consumer set of ${profile.name} starts by itself. Name one, or save one with auto-start.`,
		);
	}
	if (input.sets === undefined || input.sets.length === 0) {
		return fail('invalid-input', 'Name the sets to start, or choose all that start by themselves.');
	}
	const chosen: SavedConsumerSet[] = [];
	for (const name of new Set(input.sets)) {
		const set = await findSet(core, profile, name);
		if (!set.ok) return set;
		chosen.push(set.value);
	}
	return ok(chosen);
}

function readQueues(
	input: Pick<HandlerInput<'consumer.save'>, 'name' | 'queues' | 'notConsumed'>,
	before: SavedConsumerSet | null,
): Result<readonly SavedQueue[]> {
	const names = input.queues ?? before?.queues.map((one) => one.queue);
	if (names === undefined) {
		return fail('invalid-input', `queues: "${input.name}" is new, so name its queues.`, {
			details: { field: 'queues' },
		});
	}
	const old = new Map(before?.queues.map((one) => [one.queue, one]));
	const all = [...new Set([...names, ...(input.notConsumed ?? [])])];
	const idle = new Set(input.notConsumed ?? before?.queues.flatMap((one) => (one.consumable ? [] : [one.queue])));
	return ok(all.map((queue) => ({ ...old.get(queue), queue, consumable: !idle.has(queue) })));
}

/** The environment to save, with the values of what is kept; null: as it is in the vault. */
async function readSavedEnv(
	core: Core,
	model: SavedConsumerSet | null,
	input: Pick<HandlerInput<'consumer.save'>, 'env' | 'keepEnv' | 'copyOf'>,
): Promise<Result<Readonly<Record<string, string>> | null>> {
	const names = Object.keys(model?.intent.runner.env ?? {});
	const keep = input.keepEnv ?? (input.env === undefined ? names : []);
	if (input.keepEnv === undefined && input.copyOf === undefined) return ok(input.env ?? null);
	const strange = keep.find((name) => !names.includes(name));
	if (strange !== undefined) {
		return fail('invalid-input', `keepEnv: there is no saved value of "${strange}". Set it with --env.`, {
			details: { field: 'keepEnv' },
		});
	}
	if (model === null || keep.length === 0) return ok(input.env ?? {});
	const saved = await intentOf(core, model);
	if (!saved.ok) return saved;
	const { env } = saved.value.runner;
	return ok({ ...Object.fromEntries(keep.map((name) => [name, env[name] ?? ''])), ...input.env });
}

async function importSets(
	core: Core,
	profile: Profile,
	input: HandlerInput<'consumer.import'>,
): Promise<Result<{ readonly items: readonly ImportedQueue[]; readonly total: number }>> {
	const queues = readCarrotSettings(input.carrot, profile.broker);
	if (!queues.ok) return queues;
	const known = await core.store.sets.list(profile.id);
	const items: ImportedQueue[] = [];
	for (const { name, concurrency, consumable, maxPriority, refusal, remarks } of queues.value) {
		if (refusal !== null) {
			items.push({ queue: name, outcome: 'skipped', remarks: [refusal, ...remarks] });
			continue;
		}
		const before = known.find((set) => set.name === name) ?? null;
		const intent = readIntent(core.ports, profile, { ...input, concurrency }, before?.intent ?? null);
		if (!intent.ok) return intent;
		const outcome = before === null ? 'added' : 'changed';
		const autoStart = consumable && (input.autoStart ?? before?.autoStart ?? false);
		const idle = consumable ? [] : ['Its settings say not to consume it: it is listed only.'];
		if (input.dryRun !== true) {
			const saved = await saveSet(core, profile, {
				before,
				name,
				queues: [{ queue: name, consumable, maxPriority }],
				intent: intent.value,
				envGiven: input.env !== undefined,
				autoStart,
				declare: input.declare ?? before?.declare ?? false,
			});
			if (!saved.ok) return saved;
		}
		items.push({ queue: name, outcome, remarks: [...idle, ...remarks] });
	}
	return ok({ items, total: items.length });
}

/** A process that runs consumers runs the profile's schedules as well, as carrot's service does; a window does so in any case. */
function runSchedules(core: Core, profile: Profile): void {
	core.schedules.keepers?.start(profile);
}
