/** Handlers of the routes about messages set aside, and about how long history is kept. */
import { type Mend, NO_MEND, type QuarantineOrder, settleQuarantine } from '#main/actions/quarantine.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { QuarantineOutcome } from '#main/ipc/contract/quarantine.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallContext, CallHandlers } from '#main/ipc/handlers.ts';
import { checkArguments, isEditable } from '../arguments.ts';
import { type Core, targetOf } from '../core.ts';
import { cleanUp, readPolicy } from '../retention.ts';
import { plainProperties, textOf } from './task.ts';

type Name =
	| 'quarantine.list'
	| 'quarantine.show'
	| 'quarantine.release'
	| 'quarantine.send'
	| 'quarantine.discard'
	| 'quarantine.restore'
	| 'retention.show'
	| 'retention.set'
	| 'retention.preview'
	| 'retention.run';

/** How much of a body is shown unless the whole is asked for. */
const PREVIEW_BYTES = 64 * 1024;
const ITEMS_SHOWN = 1_000;
const MOST_AT_ONCE = 10_000;

export function quarantineHandlers(core: Core): Pick<CallHandlers, Name> {
	const { quarantine, retention } = core.store;
	return {
		'quarantine.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			return ok(
				await quarantine.page(profile.value.id, {
					state: input.state === 'any' ? null : input.state,
					cause: input.cause ?? null,
					queue: input.queue ?? null,
					limit: input.limit,
					before: input.before ?? null,
				}),
			);
		},
		'quarantine.show': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const found = await quarantine.get(profile.value.id, input.id);
			if (found === null) {
				return fail(
					'not-found',
					`There is no message ${input.id} in quarantine. "quarantine list" shows what there is.`,
				);
			}
			const { item, message } = found;
			const { headers, ...properties } = message.properties;
			const whole = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength);
			const body = input.whole === true ? whole : whole.subarray(0, PREVIEW_BYTES);
			const decoded = messageDialect(profile.value).read(message);
			const task = decoded.kind === 'task' ? decoded.task : null;
			return ok({
				item,
				exchange: message.exchange,
				routingKey: message.routingKey,
				properties: plainProperties(properties),
				headers: headers ?? [],
				bodyBase64: body.toString('base64'),
				bodyText: textOf(body, body.byteLength < whole.byteLength),
				cut: body.byteLength < whole.byteLength,
				task: task === null ? null : { ...withoutCall(task), editable: isEditable(task.call) },
				fault: decoded.kind === 'fault' ? decoded.fault : null,
			});
		},
		'quarantine.release': async (input, context) => decide(core, input, { action: 'release' }, context),
		'quarantine.send': async (input, context) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const mend = readMend(profile.value, input);
			if (!mend.ok) return mend;
			return decide(core, input, { action: 'send', queue: input.queue, mend: mend.value }, context);
		},
		'quarantine.discard': async (input, context) => decide(core, input, { action: 'discard' }, context),
		'quarantine.restore': async (input, context) => decide(core, input, { action: 'restore' }, context),
		'retention.show': async (input) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? ok(await retention.settings(profile.value.id)) : profile;
		},
		'retention.set': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			if (input.default === true) await retention.set(id, null);
			else {
				const { policy: before } = await retention.settings(id);
				const policy = readPolicy(input, before);
				if (!policy.ok) return policy;
				if (policy.value === before)
					return fail('invalid-input', 'Say what to change, e.g. --state succeeded --after 7d.');
				await retention.set(id, policy.value);
			}
			return ok(await retention.settings(id));
		},
		'retention.preview': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { policy: before } = await retention.settings(profile.value.id);
			const policy = readPolicy(input, before);
			if (!policy.ok) return policy;
			const preview = await retention.preview(profile.value.id, policy.value, core.ports.clock.now());
			return ok({ ...preview, policy: policy.value });
		},
		'retention.run': async (input, context) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const since = core.ports.clock.monotonic();
			const { id } = profile.value;
			const { settings } = await core.taskLog.view(id);
			const done = await cleanUp(core.store, core.ports, id, settings.batchSize, context.signal);
			return done.ok ? ok({ done: done.value, took: Math.round(core.ports.clock.monotonic() - since) }) : done;
		},
	};
}

function withoutCall<T extends { readonly call: unknown }>(task: T): Omit<T, 'call'> {
	const { call: _call, ...rest } = task;
	return rest;
}

/** Which messages, by number or all that are held. */
async function chosen(
	core: Core,
	profile: Profile,
	input: Partial<Pick<HandlerInput<'quarantine.release'>, 'ids' | 'all' | 'from' | 'cause'>>,
): Promise<Result<readonly number[]>> {
	if (input.ids !== undefined) {
		if (input.all === true) return fail('invalid-input', 'Give either numbers or --all, not both.');
		return ok([...new Set(input.ids)]);
	}
	if (input.all !== true) return fail('invalid-input', 'Name messages by their numbers, or give --all.');
	const ids: number[] = [];
	for (let before: number | null = null; ; ) {
		const page = await core.store.quarantine.page(profile.id, {
			state: 'held',
			cause: input.cause ?? null,
			queue: input.from ?? null,
			limit: 500,
			before,
		});
		ids.push(...page.items.map((item) => item.id));
		before = page.items.at(-1)?.id ?? null;
		if (before === null || page.items.length < 500) break;
		if (ids.length >= MOST_AT_ONCE) break;
	}
	// Oldest first, in the order in which they came.
	return ok(ids.toReversed());
}

async function decide(
	core: Core,
	input: Partial<Omit<HandlerInput<'quarantine.release'>, 'profile'>> & { readonly profile: string },
	order: QuarantineOrder,
	context: CallContext,
): Promise<Result<QuarantineOutcome>> {
	const target = await targetOf(core, input.profile);
	if (!target.ok) return target;
	const ids = await chosen(core, target.value.profile, input);
	if (!ids.ok) return ids;
	const dryRun = input.dryRun === true;
	const steps = await settleQuarantine(target.value, core.store.quarantine, ids.value, order, {
		dryRun,
		signal: context.signal,
	});
	if (!steps.ok) return steps;
	const of = (outcome: QuarantineOutcome['items'][number]['outcome']) =>
		steps.value.filter((step) => step.outcome === outcome);
	const [failed, skipped, done] = [of('failed'), of('skipped'), of('done')];
	return ok({
		action: order.action,
		done: done.length,
		failed: failed.length,
		skipped: skipped.length,
		dryRun,
		items: [...failed, ...skipped, ...done].slice(0, ITEMS_SHOWN),
	});
}

function readMend(profile: Profile, input: HandlerInput<'quarantine.send'>): Result<Mend> {
	const mend: Mend = {
		...NO_MEND,
		task: input.task ?? null,
		headers: input.headers ?? {},
		body: input.body === undefined ? null : new TextEncoder().encode(input.body),
	};
	if (input.args === undefined && input.kwargs === undefined) return ok(mend);
	const checked = checkArguments(input.args ?? '', input.kwargs ?? '{}', messageDialect(profile));
	if (checked.call !== null) return ok({ ...mend, call: checked.call });
	const field = checked.argsProblem === null ? 'kwargs' : 'args';
	const { message, ...position } = checked.argsProblem ?? checked.kwargsProblem ?? { message: 'cannot be read' };
	return fail('invalid-input', `${field}: ${message}`, { details: { field, ...position } });
}
