/** Waiting messages as lists show them and as the query language sees them. */
import type { WaitingMessage } from '#main/brokers/waiting.ts';
import type { ReadMessage } from '#main/dialects/messages.ts';
import { previewCall } from '#main/dialects/python/write.ts';
import { appName } from '#main/domain/app-name.ts';
import { idOfMessage } from '#main/domain/message.ts';
import type { QueryWords } from '#main/domain/query.ts';
import type { MessageWords } from '#main/domain/query-languages.ts';
import { type QuerySubject, someArguments } from '#main/domain/query-match.ts';
import { assertNever } from '#main/domain/result.ts';
import type { WaitingView } from '#main/domain/waiting.ts';
import { deathOrigin } from './dead-letters.ts';

const PREVIEW = 200;

/** A message as a list shows it; `read` is what its dialect made of it. */
export function waitingView(message: WaitingMessage, read: ReadMessage): WaitingView {
	const task = read.kind === 'task' ? read.task : null;
	const fault = read.kind === 'fault' ? read.fault : null;
	return {
		print: message.print,
		id: (task ?? fault)?.messageId ?? idOfMessage(message.properties),
		name: (task ?? fault)?.name ?? null,
		preview: task === null ? '' : previewCall(task.call.args, task.call.kwargs, PREVIEW),
		priority: (task ?? fault)?.priority ?? message.properties.priority ?? null,
		fault: fault?.reason ?? null,
		origin: deathOrigin(message.properties, message.queue),
	};
}

type Words = MessageWords & QueryWords;

/** One message for `subjectMatches`. */
export function messageSubject(message: WaitingMessage, read: ReadMessage): QuerySubject<Words> {
	const view = waitingView(message, read);
	const task = read.kind === 'task' ? read.task : null;
	const known = (...texts: readonly (string | null | undefined)[]): readonly string[] =>
		texts.filter((text): text is string => text !== null && text !== undefined && text !== '');
	const named = view.name === null ? null : appName(view.name);
	return {
		free: () => [
			...known(view.name, view.id, task?.argsJson, task?.kwargsJson, view.preview, view.fault),
			message.queue,
		],
		texts(field) {
			switch (field) {
				case 'name':
					return known(view.name);
				case 'app':
					return named === null ? [] : [named];
				case 'queue':
					return [message.queue];
				case 'id':
					return known(view.id);
				case 'print':
					return [message.print];
				case 'args':
					return known(task?.argsJson);
				case 'kwargs':
					return known(task?.kwargsJson);
				case 'exchange':
					return [message.exchange];
				case 'routing':
					return [message.routingKey];
				case 'fault':
					return known(view.fault);
				case 'origin':
					return known(view.origin?.queue);
				default:
					return assertNever(field);
			}
		},
		number(field) {
			switch (field) {
				case 'priority':
					return view.priority;
				case 'deliveries':
					return message.deliveryCount;
				case 'size':
					return message.body.byteLength;
				default:
					return assertNever(field);
			}
		},
		time: () => task?.publishedAt ?? null,
		has(thing) {
			switch (thing) {
				case 'args':
					return someArguments(task?.argsJson ?? null);
				case 'kwargs':
					return someArguments(task?.kwargsJson ?? null);
				case 'priority':
					return view.priority !== null;
				case 'origin':
					return view.origin !== null;
				default:
					return assertNever(thing);
			}
		},
		is(thing) {
			switch (thing) {
				case 'redelivered':
					return message.redelivered;
				case 'dead':
					return view.origin !== null;
				case 'unreadable':
					return task === null;
				default:
					return assertNever(thing);
			}
		},
		call: () => task?.call ?? null,
	};
}
