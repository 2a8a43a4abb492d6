/** One live connection to RabbitMQ: dialled once, dead for ever once it is closed. Whoever wants another dials again. */
import amqp, { type ChannelModel } from 'amqplib';
import { tlsSettings } from '../network.ts';
import type { SessionLink } from '../session.ts';
import { type ExactFrames, exactFrames } from './exact-frames.ts';
import type { AmqpAddress } from './problems.ts';

/** How long a broker may be silent while connecting, in ms. */
const SILENCE = 10_000;
/** How long an orderly goodbye may take before the socket is dropped, in ms. */
const GOODBYE = 2_000;

export interface Link extends SessionLink {
	readonly model: ChannelModel;
	readonly exact: ExactFrames;
	/** Why the broker takes no publishes at the moment; null: it does. */
	blocked(): string | null;
	/** The error that ended it, with AMQP's code where the broker gave one; null while it lives. */
	failure(): Error | null;
}

export interface Dial {
	readonly address: AmqpAddress;
	readonly password: string | null;
	/** Shown by RabbitMQ's tools as the connection's name. */
	readonly name: string;
	/** Ends the attempt, or the connection. */
	readonly signal: AbortSignal;
}

/** Connects, or rejects with what the network, TLS or the broker said (read it with `connectProblem`). */
export async function dial(options: Dial): Promise<Link> {
	const { address } = options;
	const tls = address.tls === null ? {} : await tlsSettings(address.tls);
	// RabbitMQ's own default: without any password given, the guest user has its well-known one.
	const password = options.password ?? (address.username === 'guest' ? 'guest' : '');
	const hangUp = new AbortController();
	const model = await amqp.connect(
		{
			protocol: address.tls === null ? 'amqp' : 'amqps',
			hostname: address.host,
			port: address.port,
			username: address.username,
			password,
			// amqplib un-escapes it.
			vhost: encodeURIComponent(address.vhost),
			heartbeat: address.heartbeat,
		},
		{
			...tls,
			...withSignal(AbortSignal.any([options.signal, hangUp.signal])),
			noDelay: true,
			keepAlive: true,
			timeout: SILENCE,
			clientProperties: { connection_name: options.name, product: 'Warren' },
		},
	);
	let alive = true;
	let blocked: string | null = null;
	let lastError: Error | null = null;
	model.on('error', (error) => {
		lastError = error;
	});
	model.on('blocked', (reason) => {
		blocked = reason;
	});
	model.on('unblocked', () => {
		blocked = null;
	});
	const closed = Promise.withResolvers<string>();
	model.on('close', (error) => {
		alive = false;
		closed.resolve(goodReason(lastError?.message ?? error?.message ?? 'closed'));
	});
	const said = model.connection.serverProperties;
	return {
		model,
		exact: exactFrames(model),
		server: `${said.product ?? 'AMQP broker'} ${said.version ?? ''}`.trim(),
		blocked: () => blocked,
		alive: () => alive,
		failure: () => lastError,
		closed: closed.promise,
		async close() {
			if (alive) {
				const goodbye = model.close().then(
					() => true,
					() => true,
				);
				const late = new Promise<boolean>((resolve) => setTimeout(resolve, GOODBYE, false).unref());
				await Promise.race([goodbye, late]);
			}
			hangUp.abort();
			alive = false;
			// A connection that breaks in the middle of its goodbye tells nobody.
			closed.resolve(goodReason(lastError?.message ?? 'closed'));
		},
	};
}

/** Node's sockets take a signal; amqplib passes it on without its types knowing. */
function withSignal(signal: AbortSignal): object {
	return { signal };
}

/** The reason of an end in words. */
function goodReason(text: string): string {
	if (/Heartbeat timeout/.test(text)) return 'The broker stopped answering (no heartbeat).';
	if (/CONNECTION[_-]FORCED/.test(text))
		return 'The broker closed the connection (it is shutting down, or somebody closed it).';
	if (/Unexpected close|ECONNRESET|EPIPE/.test(text)) return 'The connection broke.';
	return `The connection ended: ${text}`;
}
