/** Handlers of the routes about queues and consumers. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import type { RunnerSpec } from '#main/domain/consumer.ts';
import type { BrokerMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { PeekedMessage } from '#main/ipc/contract/deployment.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { type Core, targetOf } from '../core.ts';
import { sandboxRunner } from '../sandbox.ts';
import { plainProperties } from './task.ts';

type Name = 'queue.list' | 'queue.peek' | 'consumer.list' | 'consumer.run' | 'consumer.stop';

const READY_MS = 10_000;
const LOOK_MS = 15_000;

export function deploymentHandlers(core: Core): Pick<CallHandlers, Name> {
	const { history } = core.store;
	return {
		'queue.list': async (input) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { driver, profile } = target.value;
			const ready = await driver.ready(READY_MS);
			if (!ready.ok) return ready;
			const known = await history.queues(profile.id);
			const names = [...new Set([...profile.queues, ...known])];
			const figures = await driver.queues(names.length === 0 && !driver.capabilities.listsQueues ? ['default'] : names);
			if (!figures.ok) return figures;
			const items = figures.value.toSorted((a, b) => a.name.localeCompare(b.name));
			return ok({ items, total: items.length, complete: driver.capabilities.listsQueues });
		},
		'queue.peek': async (input) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { driver, profile, now } = target.value;
			const ready = await driver.ready(READY_MS);
			if (!ready.ok) return ready;
			if (input.dryRun === true) {
				const cost = await driver.lookCost(input.queue);
				return cost.ok ? ok({ items: [], total: 0, cost: cost.value }) : cost;
			}
			const look = await driver.look(input.queue, { limit: input.limit, deadlineMs: LOOK_MS });
			if (!look.ok) return look;
			const seen = look.value.messages.map((message) => ({ message, decoded: decodeCarrot(message, profile.dialect) }));
			const ops = seen.map(({ message, decoded }): HistoryOp => {
				const task = decoded.kind === 'task' ? decoded.task : null;
				const fault = decoded.kind === 'fault' ? decoded.fault : null;
				const key = message.properties.messageId ?? keyOf(message);
				return { kind: 'waiting', profile: profile.id, at: now(), task, fault, message, key };
			});
			if (ops.length > 0) await history.apply(ops);
			const items = seen.map(({ message, decoded }): PeekedMessage => {
				const { headers, ...properties } = message.properties;
				const base = {
					queue: message.queue,
					raw: Buffer.from(message.body).toString('base64'),
					exchange: message.exchange,
					routingKey: message.routingKey,
					properties: plainProperties(properties),
					headers: headers ?? [],
					redelivered: message.redelivered,
					deliveryCount: message.deliveryCount,
					verified: null,
				};
				if (decoded.kind === 'fault') return { ...base, task: null, fault: decoded.fault };
				const { call: _call, ...task } = decoded.task;
				return { ...base, task, fault: null };
			});
			return ok({ items, total: items.length, cost: look.value.cost });
		},
		'consumer.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = core.consumers.list(profile.value.id);
			return ok({ items, total: items.length });
		},
		'consumer.run': async (input) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { driver, profile } = target.value;
			if (profile.framework !== 'carrot') {
				return fail('unsupported', `Warren runs django-carrot's tasks so far, not ${profile.framework}'s.`);
			}
			const runner = runnerOf(core, profile, input);
			if (!runner.ok) return runner;
			if (input.declare === true || profile.broker.kind === 'embedded') {
				const ready = await driver.ready(READY_MS);
				if (!ready.ok) return ready;
				for (const queue of input.queues) {
					const ensured = await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: true });
					if (!ensured.ok) return ensured;
				}
			}
			const { queues, concurrency, untilEmpty } = input;
			const intent = { queues, concurrency, runner: runner.value, untilEmpty: untilEmpty ?? false };
			return ok(core.consumers.start(profile, driver, intent));
		},
		'consumer.stop': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			return core.consumers.stop(profile.value.id, input.id, input.now === true ? 'now' : 'drain');
		},
	};
}

/** What runs the tasks: as asked, or the sandbox's own modules there. */
function runnerOf(core: Core, profile: Profile, input: HandlerInput<'consumer.run'>): Result<RunnerSpec> {
	const env = input.env ?? {};
	const { node, python } = input;
	if (node !== undefined && node.length > 0) {
		if (python !== undefined)
			return fail('invalid-input', 'Tasks run in Python or in Node: give --python or --node, not both.');
		const project = resolve(input.project ?? '.');
		return ok({ kind: 'node', modules: node.map((module) => resolve(project, module)), project, env });
	}
	if (python === undefined && input.project === undefined && profile.sandbox)
		return ok(sandboxRunner(core.ports.resources));
	if (input.project === undefined && core.ports.host !== 'cli') {
		return fail('invalid-input', "Choose the folder of the tasks' project.", { details: { field: 'project' } });
	}
	return ok({
		kind: 'python',
		executable: python ?? 'python3',
		project: resolve(input.project ?? '.'),
		settingsModule: input.settings ?? null,
		env,
	});
}

/** Names a message that has no id by what it is, so that a second look at it finds the first. */
function keyOf(message: BrokerMessage): string {
	const envelope = JSON.stringify([message.queue, message.properties]);
	return `look-${createHash('sha256').update(envelope).update(message.body).digest('hex').slice(0, 32)}`;
}
