/** The messages of each framework behind one face; who has a profile has its dialect by the profile's framework. */
import type { CeleryMessage } from '#main/domain/celery.ts';
import type { MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import { assertNever, fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { decodeCarrot } from './carrot/decode.ts';
import { encodeBody, encodeCarrot } from './carrot/encode.ts';
import { encodeCelery, encodeCeleryBody } from './celery/encode.ts';
import { celeryAgain, type SendAgain } from './celery/encode-again.ts';
import { decodeCelery } from './celery/message.ts';

/** A message as its dialect reads it: a task with what its framework says beside, or why not. */
export type ReadMessage =
	| { readonly kind: 'task'; readonly task: DecodedTask; readonly celery: CeleryMessage | null }
	| { readonly kind: 'fault'; readonly fault: UndecodableTask };

/** A task to be published. */
export interface NewCall {
	readonly name: string;
	/** The message's id, by which the task is known. */
	readonly messageId: string;
	readonly call: CallArguments;
	readonly queue: string;
	readonly priority: number | null;
	/** Who sends it, where the framework has a place for that. */
	readonly origin: string;
	readonly exchange?: string;
	readonly routingKey?: string;
}

/** How the messages of one deployment are read and written. */
export interface MessageDialect {
	/** Never throws, whatever the bytes. */
	read(message: { readonly properties: MessageProperties; readonly body: Uint8Array }): ReadMessage;
	/** Fails (`invalid-input`, `unsupported`) for what a message cannot hold. */
	write(call: NewCall): Result<OutgoingMessage>;
	/** The body that `write` would send, as text. */
	body(call: CallArguments): Result<string>;
	/** A message once more, with another id and otherwise as it was: its body byte for byte, unless other arguments are given. */
	again(message: OutgoingMessage, again: SendAgain): Result<OutgoingMessage>;
}

/** The dialect of a profile's messages. */
export function messageDialect(profile: Pick<Profile, 'framework' | 'dialect'>): MessageDialect {
	const { framework, dialect } = profile;
	switch (framework) {
		case 'carrot':
			return {
				read: (message) => {
					const decoded = decodeCarrot(message, dialect);
					return decoded.kind === 'task' ? { ...decoded, celery: null } : decoded;
				},
				write: (call) => encodeCarrot(call, dialect),
				body: (call) => encodeBody(call, dialect),
				again: (message, { id, call }) => {
					const properties = { ...message.properties, messageId: id };
					if (call === undefined) return ok({ ...message, properties });
					const body = encodeBody(call, dialect);
					return body.ok ? ok({ ...message, properties, body: new TextEncoder().encode(body.value) }) : body;
				},
			};
		case 'celery':
			return {
				read: (message) => decodeCelery(message),
				write: (call) => encodeCelery({ ...call, id: call.messageId }),
				body: (call) => encodeCeleryBody(call),
				again: celeryAgain,
			};
		case 'django-q':
			return {
				read: (message) => ({
					kind: 'fault',
					fault: {
						name: null,
						messageId: message.properties.messageId ?? null,
						priority: message.properties.priority ?? null,
						reason: "Warren does not read django-q's messages in queues yet.",
						exceptionType: 'UnsupportedBody',
					},
				}),
				write: () => fail('unsupported', "Warren does not publish django-q's messages yet."),
				body: () => fail('unsupported', "Warren does not publish django-q's messages yet."),
				again: () => fail('unsupported', "Warren does not send django-q's messages again yet."),
			};
		default:
			return assertNever(framework);
	}
}
