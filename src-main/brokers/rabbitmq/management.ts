/**
 * RabbitMQ's management API, read only: what AMQP does not tell. Answers lag by some seconds, and a queue that was just made lacks
 * counters: what is missing is null, never none.
 */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { TlsOptions } from '../../domain/profile.ts';
import type { QueueFigures, QueueRates } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { networkProblem, tlsProblem, tlsSettings, UnreadableFile, whatWasSaid } from '../network.ts';

export interface ManagementOptions {
	/** Where it is, with or without a path before `/api`. */
	readonly url: string;
	readonly tls: TlsOptions | null;
	/** Asked for at each request, so a changed secret is used at once. */
	readonly login: () => Promise<{ readonly username: string; readonly password: string }>;
	readonly now: () => number;
}

export interface ManagementQueues {
	readonly figures: readonly QueueFigures[];
	/** False: there are more than were read. */
	readonly complete: boolean;
}

/** The API's own version and whether it may be asked. */
export interface ManagementOverview {
	readonly server: string;
	readonly user: string;
}

export interface Management {
	/** All queues of a virtual host. */
	queues(vhost: string, signal?: AbortSignal): Promise<Result<ManagementQueues>>;
	/** Exchanges of the plugin `x-delayed-message`, which hold messages that nothing counts. */
	delayedExchanges(vhost: string, signal?: AbortSignal): Promise<Result<readonly string[]>>;
	overview(signal?: AbortSignal): Promise<Result<ManagementOverview>>;
}

/** How long one answer may take, in ms. */
const PATIENCE = 10_000;
/** Most bytes of one answer. */
const LARGEST = 16 * 1024 * 1024;
/** Queues in one page: the API's own limit. */
const PAGE = 500;
/** Most pages: ten thousand queues. */
const MOST_PAGES = 20;
const COLUMNS = [
	'name',
	'type',
	'arguments',
	'policy',
	'effective_policy_definition',
	'messages_ready',
	'messages_unacknowledged',
	'consumers',
	'head_message_timestamp',
	'message_stats',
].join(',');

/** Makes a client; nothing is kept open between two requests. */
export function createManagement(options: ManagementOptions): Management {
	const get = (path: string, signal?: AbortSignal) => ask(options, path, signal);
	return {
		async queues(vhost, signal) {
			const figures: QueueFigures[] = [];
			for (let page = 1; page <= MOST_PAGES; page++) {
				const query = `page=${page}&page_size=${PAGE}&columns=${COLUMNS}`;
				const answer = await get(`/api/queues/${encodeURIComponent(vhost)}?${query}`, signal);
				if (!answer.ok) return answer;
				const items = list(answer.value, 'items');
				if (items === null) return strange(options);
				const at = options.now();
				for (const item of items) {
					const figure = readQueue(item, at);
					if (figure !== null) figures.push(figure);
				}
				if (page >= (number(record(answer.value), 'page_count') ?? 1)) return ok({ figures, complete: true });
			}
			return ok({ figures, complete: false });
		},
		async delayedExchanges(vhost, signal) {
			const answer = await get(`/api/exchanges/${encodeURIComponent(vhost)}?columns=name,type`, signal);
			if (!answer.ok) return answer;
			if (!Array.isArray(answer.value)) return strange(options);
			const found = answer.value.map(record).filter((one) => one.type === 'x-delayed-message');
			return ok(found.map((one) => String(one.name)));
		},
		async overview(signal) {
			const who = await get('/api/whoami', signal);
			if (!who.ok) return who;
			const what = await get('/api/overview?columns=rabbitmq_version', signal);
			if (!what.ok) return what;
			const version = record(what.value).rabbitmq_version;
			const name = record(who.value).name;
			if (typeof version !== 'string' || typeof name !== 'string') return strange(options);
			return ok({ server: `RabbitMQ ${version}`, user: name });
		},
	};
}

/** One queue of the API's answer; null: it is none. */
export function readQueue(item: unknown, at: number): QueueFigures | null {
	const queue = record(item);
	if (typeof queue.name !== 'string') return null;
	const stats = queue.message_stats === undefined ? null : record(queue.message_stats);
	const rate = (name: string) => (stats === null ? null : number(record(stats[`${name}_details`]), 'rate'));
	const rates: QueueRates | null =
		stats === null
			? null
			: {
					published: rate('publish'),
					delivered: rate('deliver_get'),
					acknowledged: rate('ack'),
					redelivered: rate('redeliver'),
				};
	const head = number(queue, 'head_message_timestamp');
	return {
		name: queue.name,
		exists: true,
		ready: number(queue, 'messages_ready'),
		unacked: number(queue, 'messages_unacknowledged'),
		consumers: number(queue, 'consumers'),
		at,
		source: 'management',
		more: {
			oldestAt: head === null ? null : head * 1000,
			...(typeof queue.type === 'string' ? { type: queue.type } : {}),
			arguments: record(queue.arguments),
			policy:
				typeof queue.policy === 'string' && queue.policy !== ''
					? { name: queue.policy, definition: record(queue.effective_policy_definition) }
					: null,
			rates,
		},
	};
}

async function ask(options: ManagementOptions, path: string, signal?: AbortSignal): Promise<Result<unknown>> {
	const base = new URL(options.url);
	const url = new URL(`${base.pathname.replace(/\/(?:api\/?)?$/, '')}${path}`, base.origin);
	const secure = url.protocol === 'https:';
	try {
		const { username, password } = await options.login();
		const tls = secure && options.tls !== null ? await tlsSettings(options.tls) : {};
		const answer = await exchange(url, {
			...tls,
			signal:
				signal === undefined ? AbortSignal.timeout(PATIENCE) : AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
			headers: {
				authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
				accept: 'application/json',
			},
		});
		return answer.status === 200 ? parse(options, answer.body) : refusal(options, answer, username, path);
	} catch (error) {
		return broken(options, url, error);
	}
}

function exchange(
	url: URL,
	settings: Parameters<typeof secureRequest>[1] & object,
): Promise<{ readonly status: number; readonly body: Buffer }> {
	return new Promise((resolve, reject) => {
		const send = url.protocol === 'https:' ? secureRequest : plainRequest;
		const sent = send(url, { ...settings, agent: false }, (response) => {
			const pieces: Buffer[] = [];
			let size = 0;
			response.on('data', (piece: Buffer) => {
				size += piece.length;
				if (size > LARGEST) sent.destroy(new TooLarge());
				else pieces.push(piece);
			});
			response.on('error', reject);
			response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) }));
		});
		sent.on('error', reject);
		sent.end();
	});
}

class TooLarge extends Error {}

function parse(options: ManagementOptions, body: Buffer): Result<unknown> {
	try {
		return ok(JSON.parse(body.toString('utf8')));
	} catch {
		return strange(options);
	}
}

function refusal(
	options: ManagementOptions,
	{ status, body }: { readonly status: number; readonly body: Buffer },
	username: string,
	path: string,
): Result<never> {
	const where = shown(options);
	// RabbitMQ 3 answers 401 as well to a user that is known and may not see the virtual host.
	const outside = status === 401 && /virtual host/i.test(body.toString('utf8', 0, 1_000));
	switch (outside ? 403 : status) {
		case 401:
			return fail(
				'refused',
				`The management API at ${where} does not know the user "${username}" with this password, or the user has no tag that lets it in. Give --management-user and --management-password, or set the tag: rabbitmqctl set_user_tags ${username} monitoring.`,
				{ details: { status } },
			);
		case 403:
			return fail(
				'refused',
				`The management API at ${where} lets "${username}" in, but not to this virtual host. Give it rights there, or the tag "monitoring", which sees all of them.`,
				{ details: { status } },
			);
		case 404:
			return fail(
				'not-found',
				path.startsWith('/api/queues/')
					? `The management API at ${where} knows no such virtual host, or this is not its address: that is usually http://host:15672.`
					: `What answers at ${where} is not RabbitMQ’s management API. Its address is usually http://host:15672.`,
				{ details: { status } },
			);
		default:
			return fail(
				'refused',
				`The management API at ${where} answered with HTTP ${status}. RabbitMQ’s log tells more.`,
				{
					details: { status },
				},
			);
	}
}

function broken(options: ManagementOptions, url: URL, error: unknown): Result<never> {
	const where = shown(options);
	if (error instanceof TooLarge) return fail('too-large', `The management API at ${where} answered with over 16 MB.`);
	if (error instanceof UnreadableFile)
		return fail('invalid-input', `${error.message} Correct its path in the profile.`);
	const { text, code } = whatWasSaid(error);
	if (text.includes('aborted due to timeout') || code === 'ABORT_ERR' || (error as Error).name === 'TimeoutError') {
		return fail('timeout', `The management API at ${where} did not answer within ${PATIENCE / 1000} s.`);
	}
	const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
	const address = { host: url.hostname.replace(/^\[|\]$/g, ''), port, tls: options.tls };
	const tls = tlsProblem(code, text, address, 'management API');
	if (tls !== null)
		return fail('refused', `${tls} Name its authority with --management-ca-file, or correct the address.`);
	const network = networkProblem(code, address);
	const reason = network?.reason ?? `The connection to ${where} broke off (${code === '' ? text : code}).`;
	return fail(
		'unreachable',
		`${reason} Start the plugin with "rabbitmq-plugins enable rabbitmq_management", or correct the address: the API is usually on port 15672.`,
	);
}

function strange(options: ManagementOptions): Result<never> {
	return fail(
		'undecodable',
		`What answers at ${shown(options)} is not RabbitMQ’s management API. Its address is usually http://host:15672.`,
	);
}

/** The address without a login. */
function shown({ url }: ManagementOptions): string {
	const { origin, pathname } = new URL(url);
	return `${origin}${pathname === '/' ? '' : pathname}`;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown, name: string): readonly unknown[] | null {
	const found = record(value)[name];
	return Array.isArray(found) ? found : null;
}

function number(value: Readonly<Record<string, unknown>>, name: string): number | null {
	const found = value[name];
	return typeof found === 'number' && Number.isFinite(found) ? found : null;
}
