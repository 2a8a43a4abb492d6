/**
 * Asking Redis's sentinels where the primary is: anew at each connect, since it is another one after every fail-over. They are asked
 * one after the other, and the first that knows is believed; whether it is right, the primary's own word tells (`ROLE`, in `INFO`).
 */
import type { RedisAddress } from '../../domain/profile.ts';
import { place, whatWasSaid } from '../network.ts';
import { replyCode, SentinelProblem } from './problems.ts';

/** How long one sentinel may take, in ms: with the next there is hope. */
const PATIENCE = 3_000;

export interface Whereabouts {
	readonly host: string;
	readonly port: number;
}

/** The sentinels of an address, in the order in which they are asked. */
export function sentinelsOf(address: RedisAddress): readonly Whereabouts[] {
	const { host, port, sentinel } = address;
	return [{ host, port }, ...(sentinel?.others ?? [])];
}

/** Where the primary is, or rejects with a `SentinelProblem`. `password`: what a sentinel gets that asks for one. */
export async function primaryOf(
	address: RedisAddress & { readonly sentinel: NonNullable<RedisAddress['sentinel']> },
	password: string | null,
	signal: AbortSignal,
): Promise<Whereabouts> {
	const { master } = address.sentinel;
	const said: string[] = [];
	let unknown = 0;
	for (const at of sentinelsOf(address)) {
		signal.throwIfAborted();
		const where = place({ ...at, tls: null });
		try {
			const found = await ask(at, master, password, signal);
			if (found !== null) return found;
			unknown += 1;
			said.push(`${where} knows no primary called "${master}"`);
		} catch (error) {
			said.push(`${where}: ${wordsOf(error)}`);
		}
	}
	const all = unknown === said.length;
	throw new SentinelProblem(`No sentinel says where the primary is. ${said.join('; ')}.`, all);
}

async function ask(
	{ host, port }: Whereabouts,
	master: string,
	password: string | null,
	signal: AbortSignal,
): Promise<Whereabouts | null> {
	const { Redis } = await import('ioredis');
	const redis = new Redis({
		host,
		port,
		family: 0,
		lazyConnect: true,
		connectTimeout: PATIENCE,
		commandTimeout: PATIENCE,
		retryStrategy: null,
		maxRetriesPerRequest: null,
		enableOfflineQueue: false,
		enableReadyCheck: false,
		disableClientInfo: true,
		protocol: 2,
		replyMapping: 'legacy',
	});
	let said: Error | null = null;
	// Without a listener ioredis prints, and Node would end the process.
	redis.on('error', (error) => {
		said ??= error;
	});
	const hangUp = () => redis.disconnect();
	signal.addEventListener('abort', hangUp, { once: true });
	const question = () => redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master);
	try {
		await redis.connect();
		const answer = await question().catch(async (error: Error) => {
			if (replyCode(error.message) !== 'NOAUTH' || password === null || password === '') throw error;
			await redis.call('AUTH', password);
			return question();
		});
		if (!Array.isArray(answer)) return null;
		const [name, number] = answer.map(String);
		return name === undefined || number === undefined ? null : { host: name, port: Number(number) };
	} catch (error) {
		throw said ?? error;
	} finally {
		signal.removeEventListener('abort', hangUp);
		redis.disconnect();
	}
}

function wordsOf(error: unknown): string {
	const { text, code } = whatWasSaid(error);
	if (code === 'ECONNREFUSED') return 'nothing listens there';
	if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'this name is not known here';
	if (/timed out|ETIMEDOUT/i.test(`${text}${code}`)) return 'it did not answer in time';
	if (replyCode(text) === 'NOAUTH' || replyCode(text) === 'WRONGPASS') {
		return 'it asks for a password of its own (the one of the profile is tried)';
	}
	if (/unknown command/i.test(text)) return 'this is no sentinel but a Redis itself; write it as redis://';
	return text;
}
