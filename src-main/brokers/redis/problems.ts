/** What goes wrong with a connection to Redis or with a command, told apart and put into words. Pure: errors in, words out. */
import type { RedisAddress } from '../../domain/profile.ts';
import { type Failure, fail } from '../../domain/result.ts';
import { networkProblem, place, tlsProblem, UnreadableFile, whatWasSaid } from '../network.ts';

/** Why there is no connection. `refused`: Redis answered and said no, so trying again quickly is pointless. */
export interface ConnectProblem {
	readonly kind: 'unreachable' | 'refused';
	readonly at: 'dns' | 'tcp' | 'tls' | 'redis' | 'login' | 'database' | 'server' | 'files';
	/** One or two sentences for a person, without secrets. */
	readonly reason: string;
}

/** A failure as a `Result` has it. */
export type Failed = { readonly ok: false; readonly error: Failure };

/** Somebody was silent for too long. */
export class Silence extends Error {}

/** A node of a Redis Cluster: what has to happen as one lies on several nodes there, so nothing is begun. */
export class ClusterNode extends Error {}

/** What the sentinels name for the primary says itself that it is a replica. */
export class NoPrimary extends Error {}

/** An error of the Redis that sentinels named; `cause` is what was said there. */
export class AtPrimary extends Error {
	readonly address: RedisAddress;
	constructor(address: RedisAddress, cause: unknown) {
		super(`At ${placeOf(address)}`, { cause });
		this.address = address;
	}
}

/** No sentinel could say where the primary is. */
export class SentinelProblem extends Error {
	/** Every one that answered does not know the name: trying again quickly is pointless. */
	readonly unknown: boolean;
	constructor(message: string, unknown: boolean) {
		super(message);
		this.unknown = unknown;
	}
}

/** The word that begins an error of Redis: `NOAUTH`, `WRONGTYPE`, `ERR`; empty where there is none. */
export function replyCode(text: string): string {
	return /^([A-Z][A-Z0-9]+)(?: |$)/.exec(text)?.[1] ?? '';
}

/** Reads an error of dialling or greeting. */
export function connectProblem(error: unknown, address: RedisAddress): ConnectProblem {
	if (error instanceof UnreadableFile) return { kind: 'refused', at: 'files', reason: error.message };
	if (error instanceof AtPrimary) return connectProblem(error.cause, error.address);
	if (error instanceof SentinelProblem) {
		return { kind: error.unknown ? 'refused' : 'unreachable', at: 'tcp', reason: error.message };
	}
	if (error instanceof NoPrimary) {
		return {
			kind: 'unreachable',
			at: 'redis',
			reason: `The sentinels name ${placeOf(address)}, which is no primary (yet): they may be about to change it.`,
		};
	}
	if (error instanceof ClusterNode) return { kind: 'refused', at: 'server', reason: clusterWords(placeOf(address)) };
	const { text: message, code } = whatWasSaid(error);
	// What Redis says before it was asked anything, ioredis wraps into a complaint of its own.
	const text = /Last error: (.*)$/s.exec(message)?.[1] ?? message;
	const where = placeOf(address);
	const socket = address.socket === undefined ? null : socketProblem(code, address.socket);
	if (socket !== null) return { kind: 'unreachable', at: 'tcp', reason: socket };
	const network = networkProblem(code, address);
	if (network !== null) return { kind: 'unreachable', ...network };
	const tls = tlsProblem(code, text, address, 'Redis server');
	if (tls !== null) return { kind: 'refused', at: 'tls', reason: tls };
	if (error instanceof Silence || code === 'ETIMEDOUT' || /ETIMEDOUT/.test(text)) {
		return { kind: 'unreachable', at: 'tcp', reason: `${where} did not answer in time.` };
	}
	const who = address.username === null ? '' : ` of user "${address.username}"`;
	switch (replyCode(text)) {
		case 'WRONGPASS':
			return {
				kind: 'refused',
				at: 'login',
				reason: `Redis at ${where} refused the login${who}: wrong name or password.`,
			};
		case 'NOAUTH':
			return { kind: 'refused', at: 'login', reason: `Redis at ${where} asks for a password, and none was given.` };
		case 'LOADING':
			return { kind: 'unreachable', at: 'redis', reason: `Redis at ${where} is still loading its data from disk.` };
		case 'MASTERDOWN':
			return {
				kind: 'unreachable',
				at: 'redis',
				reason: `Redis at ${where} is a replica that has lost its primary, and answers nothing until it has it back.`,
			};
		case 'DENIED':
			return {
				kind: 'refused',
				at: 'login',
				reason: `Redis at ${where} is in protected mode: it takes connections from its own machine only until it has a password.`,
			};
		case 'NOPERM':
			return {
				kind: 'refused',
				at: 'login',
				reason: `Redis at ${where} lets this user do nothing${who}: ${words(text)}`,
			};
	}
	if (/invalid password|invalid username-password/i.test(text)) {
		return {
			kind: 'refused',
			at: 'login',
			reason: `Redis at ${where} refused the login${who}: wrong name or password.`,
		};
	}
	if (/wrong number of arguments for 'auth'/i.test(text)) {
		return {
			kind: 'refused',
			at: 'login',
			reason: `Redis at ${where} is older than 6 and knows no user names. Leave the user name out of the address.`,
		};
	}
	if (/DB index is out of range|invalid DB index|SELECT is not allowed/i.test(text)) {
		return {
			kind: 'refused',
			at: 'database',
			reason: `Redis at ${where} has no database ${address.db}: ${words(text)}`,
		};
	}
	if (/max number of clients/i.test(text)) {
		return {
			kind: 'unreachable',
			at: 'redis',
			reason: `Redis at ${where} has as many clients as it takes (maxclients).`,
		};
	}
	if (/Protocol error|reply type byte|unknown type|Please report this/i.test(text)) {
		const hint = address.tls === null ? ' It may be a port for TLS (rediss), or no Redis at all.' : '';
		return { kind: 'unreachable', at: 'redis', reason: `What answers on ${where} does not speak Redis.${hint}` };
	}
	if (code === 'ECONNRESET' || code === 'EPIPE' || /Connection is closed|socket hang up/.test(text)) {
		const hint = address.tls === null ? ' It may be a port for TLS (rediss), or no Redis at all.' : '';
		return { kind: 'unreachable', at: 'redis', reason: `${where} closed the connection while greeting.${hint}` };
	}
	return { kind: 'unreachable', at: 'redis', reason: `No connection to ${where}: ${text}` };
}

/** Why nothing is done in a cluster. */
export function clusterWords(where: string): string {
	return `${where} is part of a Redis Cluster, in which neither kombu nor django-q keeps queues: what has to happen as one would lie on several nodes. Give the address of a Redis that stands alone.`;
}

/** Where a Redis is, as a person writes it. */
export function placeOf(address: RedisAddress): string {
	const { sentinel } = address;
	if (sentinel === undefined) return address.socket ?? place(address);
	const all = [address, ...sentinel.others.map((one) => ({ ...one, tls: null }))];
	return `"${sentinel.master}" by ${all.length === 1 ? 'sentinel' : 'sentinels'} ${all.map(place).join(', ')}`;
}

/** What the system says of a Unix socket, in words; null: it is about something else. */
function socketProblem(code: string, socket: string): string | null {
	switch (code) {
		case 'ENOENT':
			return `There is no socket ${socket}.`;
		case 'EACCES':
		case 'EPERM':
			return `This user may not use the socket ${socket}.`;
		case 'ECONNREFUSED':
			return `Nothing listens on the socket ${socket}.`;
		case 'ENOTSOCK':
			return `${socket} is no socket.`;
		default:
			return null;
	}
}

/** Why a connection that lived has ended, in words. */
export function endingWords(error: unknown): string {
	if (error === null) return 'Redis closed the connection (it is shutting down, or somebody closed it).';
	const { text, code } = whatWasSaid(error);
	if (error instanceof Silence) return text;
	if (code === 'ECONNRESET' || code === 'EPIPE') return 'The connection broke.';
	return `The connection ended: ${text}`;
}

/** The failure of what is asked while there is no connection. */
export function unreachable(reason: string): Failed {
	return fail('unreachable', `Not connected to Redis. ${reason}`, { details: { sent: false } });
}

/** The failure of what was under way when the connection went. */
export function cutOff(reason: string): Failed {
	return fail('unreachable', `The connection to Redis was lost before it answered. ${reason}`, {
		details: { sent: true },
	});
}

/** The failure of what was not answered in time. */
export function silent(ms: number): Failed {
	return fail('timeout', `Redis did not answer within ${ms / 1000} s. It may have done what was asked.`, {
		details: { sent: true },
	});
}

/** Reads an error that Redis answered a command with: nothing was done. */
export function replyFailure(text: string): Failed {
	const reply = replyCode(text);
	const details = { sent: false, reply };
	switch (reply) {
		case 'LOADING':
			return fail('unreachable', 'Redis is still loading its data from disk.', { details });
		case 'MASTERDOWN':
			return fail('unreachable', 'Redis is a replica that has lost its primary, and answers nothing until then.', {
				details,
			});
		case 'BUSY':
			return fail('refused', 'Redis is busy with a script that runs for too long there. Try again later.', {
				retryable: true,
				details,
			});
		case 'READONLY':
			return fail('refused', 'This Redis is a read-only replica. Give the address of its primary.', { details });
		case 'NOPERM':
			return fail('refused', `Redis does not permit this to the user: ${words(text)}`, { details });
		case 'NOAUTH':
			return fail('refused', 'Redis asks for a password, and none was given.', { details });
		case 'MISCONF':
			return fail('refused', 'Redis cannot save its data to disk and takes no changes until it can: look at its log.', {
				details,
			});
		case 'OOM':
			return fail('refused', 'Redis is at its memory limit (maxmemory) and takes nothing more.', { details });
		case 'WRONGTYPE':
			return fail('refused', 'A key in Redis is of another kind than expected: something else uses it.', { details });
		case 'MOVED':
		case 'ASK':
		case 'CROSSSLOT':
		case 'CLUSTERDOWN':
			return fail('refused', `${clusterWords('This Redis')} (${words(text)})`, {
				details,
			});
		default:
			return fail('refused', `Redis refused: ${words(text)}`, { details });
	}
}

/** What Redis said, without the word that programs read. */
function words(text: string): string {
	return text.replace(/^[A-Z][A-Z0-9]+ /, '');
}
