import { describe, expect, it } from 'vitest';
import { type AmqpAddress, channelFailure, connectProblem } from '#main/brokers/rabbitmq/problems.ts';

const address: AmqpAddress = {
	kind: 'amqp',
	host: 'broker.example',
	port: 5672,
	vhost: 'tasks',
	username: 'worker',
	tls: null,
	heartbeat: 20,
};

function failure(message: string, code?: string | number): Error {
	return Object.assign(new Error(message), code === undefined ? {} : { code });
}

describe('an error of connecting', () => {
	it.each([
		[failure('getaddrinfo ENOTFOUND broker.example', 'ENOTFOUND'), 'unreachable', 'dns', '"broker.example"'],
		[failure('connect ECONNREFUSED', 'ECONNREFUSED'), 'unreachable', 'tcp', 'broker.example:5672'],
		[failure('connect EHOSTUNREACH', 'EHOSTUNREACH'), 'unreachable', 'tcp', 'EHOSTUNREACH'],
		[failure('connect ETIMEDOUT'), 'unreachable', 'tcp', 'in time'],
		[failure('Socket closed abruptly during opening handshake'), 'unreachable', 'amqp', 'amqps'],
		[failure('Invalid frame'), 'unreachable', 'amqp', 'AMQP 0-9-1'],
		[failure('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"'), 'refused', 'login', '"worker"'],
		[failure('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), 'refused', 'vhost', '"tasks"'],
		[failure('certificate has expired', 'CERT_HAS_EXPIRED'), 'refused', 'tls', 'expired'],
		[failure('self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'), 'refused', 'tls', 'self-signed'],
		[failure('altnames', 'ERR_TLS_CERT_ALTNAME_INVALID'), 'refused', 'tls', '"broker.example"'],
		[failure('something nobody foresaw'), 'unreachable', 'amqp', 'something nobody foresaw'],
	])('%s is told in words', (error, kind, at, words) => {
		const problem = connectProblem(error, address);
		expect(problem).toMatchObject({ kind, at });
		expect(problem.reason).toContain(words);
	});

	it('of a name with several addresses is told by the first', () => {
		const error = new AggregateError([failure('connect ECONNREFUSED ::1', 'ECONNREFUSED'), failure('other')]);
		expect(connectProblem(error, address)).toMatchObject({ at: 'tcp' });
	});
});

describe('an error of a channel', () => {
	const closed = (code: number, text: string) =>
		failure(`Channel closed by server: ${code} (NAME) with message "${text}"`, code);

	it.each([
		[closed(403, "ACCESS_REFUSED - read access to queue 'q' refused"), 'refused', 'read access'],
		[closed(404, "NOT_FOUND - no queue 'q'"), 'not-found', "no queue 'q'"],
		[closed(405, 'RESOURCE_LOCKED - cannot obtain exclusive access'), 'refused', 'exclusive'],
		[closed(406, 'PRECONDITION_FAILED - inequivalent arg'), 'refused', 'inequivalent arg'],
		[
			closed(
				406,
				'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms.',
			),
			'refused',
			'consumer_timeout',
		],
		[closed(540, 'NOT_IMPLEMENTED - basic.get not supported by stream queues'), 'unsupported', 'stream'],
		[failure('Channel ended, no reply will be forthcoming'), 'unreachable', 'cut off'],
	])('%s keeps what the broker said', (error, code, words) => {
		const result = channelFailure(error, 'Looking');
		expect(result.error.code).toBe(code);
		expect(result.error.message).toContain(words);
	});
});
