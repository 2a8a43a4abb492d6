/** Handlers of the routes about queues, with those about consumers and quarantine, which have files of their own. */
import { createHash } from 'node:crypto';
import { deathOrigin } from '#main/actions/dead-letters.ts';
import { messageSubject } from '#main/actions/waiting-search.ts';
import { readPacketMessage } from '#main/dialects/django-q/message.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import { type BrokerMessage, idOfMessage } from '#main/domain/message.ts';
import { subjectMatches } from '#main/domain/query-match.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { ok } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { PeekedMessage } from '#main/ipc/contract/deployment.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { isEditable } from '../arguments.ts';
import { type Core, targetOf } from '../core.ts';
import { checkFor, packetFacts } from '../packet-views.ts';
import type { QueueFigureSource } from '../queue-figures.ts';
import { consumerHandlers } from './consumer.ts';
import { quarantineHandlers } from './quarantine.ts';
import { plainProperties } from './task.ts';

type DeploymentHandlers = Pick<CallHandlers, Name> &
	ReturnType<typeof consumerHandlers> &
	ReturnType<typeof quarantineHandlers>;
type Name = 'queue.list' | 'queue.peek';

const READY_MS = 10_000;
const LOOK_MS = 15_000;

export function deploymentHandlers(core: Core, figures: QueueFigureSource): DeploymentHandlers {
	const { history } = core.store;
	return {
		...consumerHandlers(core),
		...quarantineHandlers(core),
		'queue.list': async (input, context) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? figures.list(profile.value, context.signal) : profile;
		},
		'queue.peek': async (input) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { driver, profile, now } = target.value;
			const query = parseQueryOf('messages', input.query, now());
			if (!query.ok) return query;
			const ready = await driver.ready(READY_MS);
			if (!ready.ok) return ready;
			if (input.dryRun === true) {
				const cost = await driver.lookCost(input.queue);
				return cost.ok ? ok({ items: [], total: 0, looked: 0, cost: cost.value }) : cost;
			}
			const everything = query.value.kind === 'all';
			const limit = everything ? input.limit : Math.max(input.limit, input.scan);
			const look = await driver.look(input.queue, { limit, deadlineMs: LOOK_MS });
			if (!look.ok) return look;
			const checking = profile.framework === 'django-q' ? await core.clusters.checking(profile) : null;
			if (checking?.ok === false) return checking;
			const dialect = messageDialect(profile);
			const seen = look.value.messages.map((message) => ({ message, decoded: dialect.read(message) }));
			const ops = seen.map(({ message, decoded }): HistoryOp => {
				const task = decoded.kind === 'task' ? decoded.task : null;
				const fault = decoded.kind === 'fault' ? decoded.fault : null;
				const key = (task ?? fault)?.messageId ?? idOfMessage(message.properties) ?? keyOf(message);
				return { kind: 'waiting', profile: profile.id, at: now(), task, fault, message, key };
			});
			// Nobody tells what becomes of django-q's packets, so that they would wait in history for ever.
			if (ops.length > 0 && checking === null) await history.apply(ops);
			const matching = seen.filter(({ message, decoded }) =>
				subjectMatches(query.value, messageSubject(message, decoded)),
			);
			const items = matching.slice(0, input.limit).map(({ message, decoded }): PeekedMessage => {
				const { headers, ...properties } = message.properties;
				const packet =
					checking === null
						? null
						: packetFacts(
								readPacketMessage(message.body),
								checkFor(checking.value, message.queue),
								message.body.byteLength,
							);
				const base = {
					queue: message.queue,
					print: message.print,
					origin: deathOrigin(message.properties, message.queue),
					raw: Buffer.from(message.body).toString('base64'),
					exchange: message.exchange,
					routingKey: message.routingKey,
					properties: plainProperties(properties),
					headers: headers ?? [],
					redelivered: message.redelivered,
					deliveryCount: message.deliveryCount,
					packet,
					verified: packet?.signature.verified ?? null,
				};
				if (decoded.kind === 'fault')
					return { ...base, task: null, editable: false, celery: null, fault: decoded.fault };
				const { call, ...task } = decoded.task;
				return { ...base, task, editable: isEditable(call), celery: decoded.celery, fault: null };
			});
			return ok({ items, total: matching.length, looked: seen.length, cost: look.value.cost });
		},
	};
}

/** Names a message that has no id by what it is, so that a second look at it finds the first. */
function keyOf(message: BrokerMessage): string {
	const envelope = JSON.stringify([message.queue, message.properties]);
	return `look-${createHash('sha256').update(envelope).update(message.body).digest('hex').slice(0, 32)}`;
}
