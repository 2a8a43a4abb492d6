/** The messages of each framework behind one face; who has a profile has its dialect by the profile's framework. */
import type { CeleryMessage } from '#main/domain/celery.ts';
import type { MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { QueuedCall } from '#main/domain/queued-call.ts';
import { assertNever, fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { decodeCarrot } from './carrot/decode.ts';
import { encodeBody, encodeCarrot } from './carrot/encode.ts';
import { encodeCelery, encodeCeleryBody } from './celery/encode.ts';
import { celeryAgain, type SendAgain } from './celery/encode-again.ts';
import { decodeCelery } from './celery/message.ts';
import {
	type PacketOptions,
	type PacketSite,
	packetAgain,
	packetNames,
	readPacketMessage,
	shownCall,
	writePacketMessage,
} from './django-q/message.ts';
import { skimsFor } from './django-q/skim.ts';
import { writePickle } from './python/write-pickle.ts';

/** A message as its dialect reads it: a task with what its framework says beside, or why not. */
export type ReadMessage =
	| {
			readonly kind: 'task';
			readonly task: DecodedTask;
			readonly celery: CeleryMessage | null;
			readonly queued?: QueuedCall;
	  }
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
	/** Celery: the tree that it stands in; absent: it begins one. */
	readonly rootId?: string;
	readonly parentId?: string | null;
	/** django-q's own options. */
	readonly packet?: PacketOptions;
}

/** How the messages of one deployment are read and written. */
export interface MessageDialect {
	/** Never throws, whatever the bytes. */
	read(message: { readonly properties: MessageProperties; readonly body: Uint8Array }): ReadMessage;
	/** A test for messages of these ids, much cheaper than reading them: false is certain. Absent: there is no such way. */
	readonly mayBeOf?: (ids: Iterable<string>) => (message: { readonly body: Uint8Array }) => boolean;
	/** What a message is called, without all of it being read. Absent: there is no such way. */
	readonly names?: (message: { readonly body: Uint8Array }) => {
		readonly func: string | null;
		readonly group: string | null;
	};
	/** Fails (`invalid-input`, `unsupported`) for what a message cannot hold. */
	write(call: NewCall): Result<OutgoingMessage>;
	/** Arguments may hold what JSON cannot say: sets, bytes, tuples. */
	readonly beyondJson?: boolean;
	/** The body that `write` would send, as text. */
	body(call: CallArguments): Result<string>;
	/** A message once more, with another id and otherwise as it was: its body byte for byte, unless other arguments are given. */
	again(message: OutgoingMessage, again: SendAgain): Result<OutgoingMessage>;
}

/** The dialect of a profile's messages. `site`: what django-q's packets are signed with, or why they cannot be; null: nothing is to be written. */
export function messageDialect(
	profile: Pick<Profile, 'framework' | 'dialect'>,
	site: Result<PacketSite> | null = null,
): MessageDialect {
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
			return packetDialect(site);
		default:
			return assertNever(framework);
	}
}

function packetDialect(site: Result<PacketSite> | null): MessageDialect {
	const signing =
		site ?? fail('unsupported', "Nothing says what to sign django-q's packets with: give the profile the site's key.");
	return {
		beyondJson: true,
		mayBeOf: (ids) => {
			const mayBe = skimsFor(ids);
			return ({ body }) => mayBe(body);
		},
		names: ({ body }) => packetNames(body),
		read: ({ body }) => {
			const read = readPacketMessage(body);
			if (read.kind === 'fault') return { kind: 'fault', fault: read.fault };
			return { kind: 'task', task: read.task, celery: null, queued: read.queued };
		},
		write: (call) =>
			signing.ok ? writePacketMessage({ ...call, id: call.messageId }, signing.value, call.packet) : signing,
		body: (call) => {
			// What cannot be pickled is refused while it is typed, not when it is sent.
			const kwargs = call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const);
			const pickle = writePickle({
				kind: 'record',
				fields: [
					['args', { kind: 'tuple', items: call.args }],
					['kwargs', { kind: 'dict', entries: kwargs }],
				],
			});
			return pickle.ok ? ok(shownCall(call)) : pickle;
		},
		again: (message, again) => (signing.ok ? packetAgain(message, again, signing.value) : signing),
	};
}
