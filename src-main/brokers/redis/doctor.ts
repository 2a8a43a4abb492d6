/**
 * Reads a connection to Redis from end to end: address, name, port, TLS, login, database, server, then rights and queues as those who use
 * it as their broker need them. It goes the way the driver itself goes, and stops at the first failure. It leaves nothing behind: rights to change are
 * tried by changes that find nothing to change.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../domain/clock.ts';
import type { DoctorStep, RedisBrokerAddress } from '../../domain/profile.ts';
import type { Doctor } from '../driver.ts';
import { failed, passed, type RedisExam, type Verdict, warning } from './exam.ts';
import { dial, type Link } from './link.ts';
import { type ConnectProblem, connectProblem, placeOf } from './problems.ts';

/** How long each step may wait for an answer, in ms. */
const PATIENCE = 8_000;

export interface RedisDoctorOptions {
	readonly address: RedisBrokerAddress;
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly clientName: string;
	/** What a deployment of this kind needs of its Redis. */
	readonly exam: RedisExam;
}

type Step = DoctorStep['step'];

/** Makes the doctor of one address. */
export function createRedisDoctor(options: RedisDoctorOptions): Doctor {
	return async (queues, signal) => {
		const { address, clock } = options;
		const steps: DoctorStep[] = [];
		let started = clock.monotonic();
		/** Notes a step; false when the examination ends with it. */
		const note = (step: Step, verdict: Verdict): boolean => {
			const now = clock.monotonic();
			steps.push({ step, ...verdict, tookMs: Math.round(now - started) });
			started = now;
			return verdict.status !== 'failed';
		};
		note('address', addressVerdict(address));
		if (address.socket === undefined && address.sentinel === undefined && !note('dns', await nameVerdict(address.host)))
			return steps;

		const password = await options.password();
		let link: Link;
		try {
			link = await dial({ address, password, name: options.clientName, signal, clock, patience: PATIENCE });
		} catch (error) {
			for (const [step, verdict] of untilProblem(connectProblem(error, address), address)) note(step, verdict);
			return steps;
		}
		try {
			note('tcp', passed(`Something listens on ${placeOf(address)}.`));
			if (address.tls !== null) note('tls', passed('Spoken over TLS.'));
			note('login', passed(loginWords(address, password)));
			note('database', await databaseVerdict(link, address));
			if (signal.aborted || !note('server', serverVerdict(await infoOf(link)))) return steps;
			if (signal.aborted || !note('rights', await options.exam.rights(link, queues))) return steps;
			if (!signal.aborted) note('queues', await options.exam.queues(link, queues));
			return steps;
		} finally {
			await link.close();
		}
	};
}

function addressVerdict(address: RedisBrokerAddress): Verdict {
	const how = address.socket !== undefined ? 'a Unix socket' : address.tls === null ? 'without TLS' : 'over TLS';
	const prefix = address.keyPrefix === '' ? '' : `, all keys begin with "${address.keyPrefix}"`;
	const what = `${placeOf(address)}, ${how}, database ${address.db}${prefix}.`;
	if (address.tls !== null && !address.tls.verify) {
		return warning(
			`${what} The server's certificate is not checked.`,
			'Anybody on the way can read and change what is said. Give the authority’s file (cacertfile) instead of verify_none.',
		);
	}
	const local = address.socket !== undefined || /^(?:localhost|::1|127\..*)$/.test(address.host);
	if (address.tls === null && !local) {
		return warning(
			`${what} The password and all messages cross the network in the open.`,
			'Use rediss:// where the server offers it.',
		);
	}
	return passed(what);
}

async function nameVerdict(host: string): Promise<Verdict> {
	if (isIP(host) !== 0) return { status: 'skipped', finding: `${host} is an address already.`, cure: null };
	const found = await lookup(host, { all: true }).catch(() => []);
	if (found.length > 0) return passed(`${host} is ${found.map((entry) => entry.address).join(', ')}.`);
	return failed(
		`The host name "${host}" is not known here.`,
		'Check the spelling. If it is a name of a private network, a VPN may have to be on; inside containers use the service’s name.',
	);
}

/** The steps of dialling that went well before the one that did not, and that one. */
function untilProblem(problem: ConnectProblem, address: RedisBrokerAddress): readonly (readonly [Step, Verdict])[] {
	const order: readonly Step[] =
		address.tls === null ? ['tcp', 'login', 'database', 'server'] : ['tcp', 'tls', 'login', 'database', 'server'];
	const at: Step =
		problem.at === 'dns' ? 'tcp' : problem.at === 'files' ? 'tls' : problem.at === 'redis' ? 'login' : problem.at;
	const before = order.slice(0, Math.max(0, order.indexOf(at)));
	return [
		...before.map(
			(step) => [step, passed(step === 'tcp' ? `Something listens on ${placeOf(address)}.` : 'Fine.')] as const,
		),
		[at, failed(problem.reason, cureOf(problem, address))],
	];
}

function cureOf(problem: ConnectProblem, address: RedisBrokerAddress): string {
	switch (problem.at) {
		case 'dns':
		case 'tcp':
			if (address.sentinel !== undefined) {
				return 'Start the sentinels, or correct their addresses (26379 is usual) and master_name: "redis-cli -p 26379 SENTINEL MASTERS" lists the names.';
			}
			return address.socket === undefined
				? 'Start Redis, or correct host and port: 6379 is usual. A firewall between here and there may be in the way.'
				: 'Start Redis, or correct the path: it is the "unixsocket" in redis.conf.';
		case 'tls':
			return address.tls === null
				? 'This may be a port for TLS: write the address as rediss://.'
				: 'Give the file of the authority that signed the certificate as cacertfile; a port without TLS wants redis://.';
		case 'files':
			return 'Correct the path, or the rights of the file.';
		case 'login':
			return 'Check user and password. In a URL, signs like @ : / % in a password must be percent-encoded. Without a user name it is redis://:password@host.';
		case 'server':
			return 'Celery’s broker_url names a Redis without cluster mode; results may be elsewhere than the broker.';
		case 'database':
			return 'A broker’s URL ends in the number of its database; usual is 0.';
		default:
			return 'Check host and port, and Redis’s own log.';
	}
}

function loginWords(address: RedisBrokerAddress, password: string | null): string {
	if (address.username !== null) return `Redis accepted user "${address.username}".`;
	return password === null || password === '' ? 'Redis asks for no password.' : 'Redis accepted the password.';
}

async function databaseVerdict(link: Link, address: RedisBrokerAddress): Promise<Verdict> {
	const size = await link.call(['DBSIZE']);
	return passed(`Database ${address.db}${size.ok ? ` holds ${Number(size.value)} keys` : ''}.`);
}

/** What Redis tells of itself; null: it does not, or not to this user. */
async function infoOf(link: Link): Promise<ReadonlyMap<string, string> | null> {
	const info = await link.call(['INFO']);
	if (!info.ok || typeof info.value !== 'string') return null;
	return new Map(
		info.value.split(/\r?\n/).flatMap((line) => {
			const colon = line.indexOf(':');
			return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
		}),
	);
}

/** What a server's own words mean for a broker. Pure. */
export function serverVerdict(info: ReadonlyMap<string, string> | null): Verdict {
	if (info === null) {
		return { status: 'skipped', finding: 'Redis does not tell this user about itself (INFO).', cure: null };
	}
	const version = info.get('valkey_version') ?? info.get('redis_version') ?? '';
	const what = `${info.has('valkey_version') ? 'Valkey' : 'Redis'} ${version}`.trim();
	if (Number(version.split('.')[0]) < 5) {
		return failed(`${what} is too old.`, 'Warren’s scripts need Redis 5 or newer.');
	}
	if (info.get('role') === 'slave') {
		return failed(`${what} is a read-only replica.`, 'Give the address of its primary.');
	}
	const policy = info.get('maxmemory_policy') ?? '';
	const limited = Number(info.get('maxmemory') ?? 0) > 0;
	if (limited && policy.startsWith('allkeys-')) {
		return warning(
			`${what}. When its memory is full it deletes any key (maxmemory-policy ${policy}): whole queues and what is held can go.`,
			'Set maxmemory-policy to noeviction on a Redis that is a broker.',
		);
	}
	if (limited) return passed(`${what}, maxmemory-policy ${policy}.`);
	return passed(`${what}, without a limit of memory.`);
}
