/** What goes wrong with a connection or a channel, told apart and put into words. Pure: errors in, words out. */
import type { BrokerAddress } from '../../domain/profile.ts';
import { type Failure, fail } from '../../domain/result.ts';
import { networkProblem, place, tlsProblem, UnreadableFile, whatWasSaid } from '../network.ts';

export type AmqpAddress = Extract<BrokerAddress, { kind: 'amqp' }>;

/** Why there is no connection. `refused`: the broker answered and said no, so trying again quickly is pointless. */
export interface ConnectProblem {
	readonly kind: 'unreachable' | 'refused';
	readonly at: 'dns' | 'tcp' | 'tls' | 'amqp' | 'login' | 'vhost' | 'files';
	/** One or two sentences for a person, without secrets. */
	readonly reason: string;
}

/** Reads an error of `amqplib.connect` or of a TLS handshake. */
export function connectProblem(error: unknown, address: AmqpAddress): ConnectProblem {
	if (error instanceof UnreadableFile) return { kind: 'refused', at: 'files', reason: error.message };
	const { text, code } = whatWasSaid(error);
	const where = place(address);

	const network = networkProblem(code, address);
	if (network !== null) return { kind: 'unreachable', ...network };
	const tls = tlsProblem(code, text, address, 'broker');
	if (tls !== null) return { kind: 'refused', at: 'tls', reason: tls };
	if (/ACCESS[_-]REFUSED/.test(text)) {
		return {
			kind: 'refused',
			at: 'login',
			reason: `RabbitMQ at ${where} refused the login of user "${address.username}".`,
		};
	}
	if (/ConnectionOpenOk|NOT_ALLOWED/.test(text)) {
		return {
			kind: 'refused',
			at: 'vhost',
			reason: `The virtual host "${address.vhost}" does not exist, or user "${address.username}" may not use it.`,
		};
	}
	if (/SASL mechanism/.test(text)) {
		return { kind: 'refused', at: 'login', reason: `RabbitMQ at ${where} does not take logins by password (PLAIN).` };
	}
	if (code === 'ETIMEDOUT' || /ETIMEDOUT/.test(text)) {
		return { kind: 'unreachable', at: 'tcp', reason: `${where} did not answer in time.` };
	}
	if (
		code === 'ECONNRESET' ||
		code === 'EPIPE' ||
		/Socket closed abruptly|Unexpected close|socket hang up/.test(text)
	) {
		const hint = address.tls === null ? ' It may be a port for TLS (amqps), or no AMQP port.' : '';
		return { kind: 'unreachable', at: 'amqp', reason: `${where} closed the connection while greeting.${hint}` };
	}
	if (/Unknown frame|Invalid frame|Frame size|Frame on channel/.test(text)) {
		return { kind: 'unreachable', at: 'amqp', reason: `What answers on ${where} does not speak AMQP 0-9-1.` };
	}
	return { kind: 'unreachable', at: 'amqp', reason: `No connection to ${where}: ${text}` };
}

/** The failure for what was asked while there is no connection. */
export function unreachable(reason: string): { readonly ok: false; readonly error: Failure } {
	return fail('unreachable', `Not connected to the broker. ${reason}`, { details: { outcome: 'not-sent' } });
}

/** Reads an error that closed a channel, or made a call on it fail. `what` names the attempt: "Looking into the queue". */
export function channelFailure(error: unknown, what: string): { readonly ok: false; readonly error: Failure } {
	const text = error instanceof Error ? error.message : String(error);
	const said = brokerWords(text);
	switch (replyCode(error)) {
		case 403:
			return fail('refused', `${what} is not permitted to this user: ${said}`);
		case 404:
			return fail('not-found', `${what} failed: ${said}`);
		case 405:
			return fail('refused', `${what} failed, another connection holds it exclusively: ${said}`);
		case 406:
			if (/acknowledgement .*timed out/.test(said)) {
				return fail(
					'refused',
					`${what} was cut off: a task ran longer than this RabbitMQ waits for its acknowledgement (consumer_timeout, usually 30 minutes), and is handed out again. Have that limit raised for long tasks.`,
				);
			}
			return fail('refused', `${what} was refused: ${said}`);
		case 540:
			return fail('unsupported', `${what} is not possible with this kind of queue: ${said}`);
	}
	return fail('unreachable', `${what} was cut off: ${said}`, { details: { outcome: 'unknown' } });
}

/** AMQP's reply code of an error, 0 when it has none. */
export function replyCode(error: unknown): number {
	const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
	return typeof code === 'number' ? code : 0;
}

/** What the broker itself said, without amqplib's wrapping. */
function brokerWords(text: string): string {
	return /with message "(.*)"$/s.exec(text)?.[1] ?? text;
}
