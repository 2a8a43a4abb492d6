/**
 * Reads a RabbitMQ connection from end to end: address, name, port, TLS, login, virtual host, queues. Each step says what was
 * found and, where something is wrong, what to do about it. It stops at the first failure, since nothing after it can be told.
 */
import { lookup } from 'node:dns/promises';
import { isIP, connect as netConnect, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../../domain/clock.ts';
import type { DoctorStep } from '../../domain/profile.ts';
import type { Doctor } from '../driver.ts';
import { place, tlsProblem, tlsSettings, UnreadableFile } from '../network.ts';
import { type Greeting, greet } from './handshake.ts';
import { dial } from './link.ts';
import { type AmqpAddress, connectProblem } from './problems.ts';
import { queueFigures } from './queues.ts';

/** How long each step may wait for an answer, in ms. */
const PATIENCE = 8_000;
/** A certificate that expires sooner is worth a warning, in ms. */
const SOON = 14 * 24 * 3_600_000;

export interface RabbitDoctorOptions {
	readonly address: AmqpAddress;
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly clientName: string;
}

type Verdict = Pick<DoctorStep, 'status' | 'finding' | 'cure'>;

/** Makes the doctor of one address. */
export function createRabbitDoctor(options: RabbitDoctorOptions): Doctor {
	return async (queues, signal) => {
		const { address, clock } = options;
		const steps: DoctorStep[] = [];
		/** Runs a step; false when the examination ends with it. */
		const step = async (name: DoctorStep['step'], work: () => Promise<Verdict>): Promise<boolean> => {
			if (signal.aborted) return false;
			const started = clock.monotonic();
			let verdict: Verdict;
			try {
				verdict = await work();
			} catch (error) {
				verdict = failed(connectProblem(error, address).reason, 'Look at the address, and at the broker’s log.');
			}
			steps.push({ step: name, ...verdict, tookMs: Math.round(clock.monotonic() - started) });
			return verdict.status !== 'failed';
		};

		let socket: Socket | null = null;
		let greeting: Greeting | null = null;
		const password = (await options.password()) ?? (address.username === 'guest' ? 'guest' : '');
		try {
			if (!(await step('address', async () => addressVerdict(address)))) return steps;
			const named = await step('dns', async () => {
				if (isIP(address.host) !== 0)
					return { status: 'skipped', finding: `${address.host} is an address already.`, cure: null };
				const found = await lookup(address.host, { all: true }).catch(() => []);
				if (found.length === 0) return dnsFailed(address);
				return passed(`${address.host} is ${found.map((entry) => entry.address).join(', ')}.`);
			});
			if (!named) return steps;
			const reached = await step('tcp', async () => {
				const tried = await tcp(address, signal);
				if ('socket' in tried) {
					socket = tried.socket;
					return passed(`Something listens on ${place(address)}.`);
				}
				return tcpVerdict(tried.code, address);
			});
			if (!reached || socket === null) return steps;
			if (address.tls !== null) {
				const secured = await step('tls', async () => {
					const tried = await secure(socket as Socket, address, clock);
					if (tried.socket !== null) socket = tried.socket;
					return tried.verdict;
				});
				if (!secured) return steps;
			}
			const greeted = await step('login', async () => {
				greeting = await greet(socket as Socket, { ...address, password, patience: PATIENCE });
				return loginVerdict(greeting, address);
			});
			if (!greeted || greeting === null) return steps;
			if (!(await step('vhost', async () => vhostVerdict(greeting as Greeting, address)))) return steps;
			await step('queues', () => queuesVerdict(options, password, queues, signal));
			return steps;
		} finally {
			(socket as Socket | null)?.destroy();
		}
	};
}

function passed(finding: string): Verdict {
	return { status: 'passed', finding, cure: null };
}

function failed(finding: string, cure: string): Verdict {
	return { status: 'failed', finding, cure };
}

function addressVerdict(address: AmqpAddress): Verdict {
	const how = address.tls === null ? 'without TLS' : 'over TLS';
	const what = `${place(address)}, ${how}, virtual host "${address.vhost}", user "${address.username}".`;
	if (address.tls !== null && !address.tls.verify) {
		return {
			status: 'warning',
			finding: `${what} The broker's certificate is not checked.`,
			cure: 'Anybody on the way can read and change what is said. Give the authority’s file (cacertfile) instead of verify_none.',
		};
	}
	if (address.tls === null && !isLocal(address.host)) {
		return {
			status: 'warning',
			finding: `${what} The password and all messages cross the network in the open.`,
			cure: 'Use amqps:// where the broker offers it.',
		};
	}
	return passed(what);
}

function isLocal(host: string): boolean {
	return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function dnsFailed(address: AmqpAddress): Verdict {
	return failed(
		`The host name "${address.host}" is not known here.`,
		'Check the spelling. If it is a name of a private network, a VPN may have to be on; inside containers use the service’s name.',
	);
}

/** Dials by name, as the driver does, so that the one of a name's addresses that answers is found. */
async function tcp(
	address: AmqpAddress,
	signal: AbortSignal,
): Promise<{ readonly socket: Socket } | { readonly code: string }> {
	return new Promise((resolve) => {
		const socket = netConnect({ host: address.host, port: address.port, timeout: PATIENCE, signal });
		const settle = (code: string | null) => {
			socket.removeAllListeners();
			// What happens to it from here on is told by the next step.
			socket.on('error', () => undefined);
			socket.setTimeout(0);
			if (code === null) resolve({ socket });
			else {
				socket.destroy();
				resolve({ code });
			}
		};
		socket.once('connect', () => settle(null));
		socket.once('timeout', () => settle('ETIMEDOUT'));
		socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
	});
}

function tcpVerdict(code: string, address: AmqpAddress): Verdict {
	const where = place(address);
	switch (code) {
		case 'ECONNREFUSED':
			return failed(
				`Nothing listens on ${where} (connection refused).`,
				'Start RabbitMQ, or correct the port: 5672 is usual for amqp, 5671 for amqps. 15672 is the management pages.',
			);
		case 'ETIMEDOUT':
			return failed(
				`${where} did not answer within ${PATIENCE / 1000} s.`,
				'A firewall may drop the packets, or the host is down. Check that this machine may reach that port.',
			);
		default:
			return failed(`There is no way to ${where} (${code}).`, 'Check the network, a VPN, and the address.');
	}
}

async function secure(
	socket: Socket,
	address: AmqpAddress,
	clock: Clock,
): Promise<{ readonly socket: TLSSocket | null; readonly verdict: Verdict }> {
	if (address.tls === null) throw new Error('No TLS was asked for.');
	let settings: Awaited<ReturnType<typeof tlsSettings>>;
	try {
		settings = await tlsSettings(address.tls);
	} catch (error) {
		if (!(error instanceof UnreadableFile)) throw error;
		return { socket: null, verdict: failed(error.message, 'Correct the path, or the rights of the file.') };
	}
	const name = address.tls.serverName ?? address.host;
	return new Promise((resolve) => {
		const timer = setTimeout(() => settle({ code: 'ETIMEDOUT', message: 'no answer' }), PATIENCE);
		const secured = tlsConnect({
			socket,
			host: address.host,
			...settings,
			...(settings.servername === undefined && isIP(name) === 0 ? { servername: name } : {}),
		});
		const settle = (error: { readonly code?: string; readonly message: string } | null) => {
			clearTimeout(timer);
			secured.removeListener('secureConnect', opened);
			secured.removeListener('error', settle);
			secured.on('error', () => undefined);
			if (error === null) resolve({ socket: secured, verdict: certificateVerdict(secured, clock) });
			else {
				secured.destroy();
				resolve({ socket: null, verdict: tlsVerdict(error.code ?? '', error.message, address) });
			}
		};
		const opened = () => settle(null);
		secured.once('secureConnect', opened);
		secured.once('error', settle);
	});
}

function certificateVerdict(socket: TLSSocket, clock: Clock): Verdict {
	const certificate = socket.getPeerCertificate();
	const until = Date.parse(certificate.valid_to);
	const what = `${socket.getProtocol() ?? 'TLS'}, certificate of ${certificate.subject?.CN ?? 'the broker'}, valid until ${new Date(until).toISOString().slice(0, 10)}.`;
	if (until - clock.now() < SOON) {
		return { status: 'warning', finding: what, cure: 'The certificate expires within two weeks: have it renewed.' };
	}
	return passed(what);
}

function tlsVerdict(code: string, text: string, address: AmqpAddress): Verdict {
	if (code === 'ETIMEDOUT' || code === 'ECONNRESET' || /disconnected before secure TLS/.test(text)) {
		return failed(
			`${place(address)} does not answer in TLS.`,
			'It may be the port for connections without TLS: use amqp:// there, or the TLS port (usually 5671) with amqps://.',
		);
	}
	const finding = tlsProblem(code, text, address, 'broker') ?? `TLS with ${place(address)} failed: ${text}`;
	return failed(finding, tlsCure(code, finding, address));
}

function tlsCure(code: string, finding: string, address: AmqpAddress): string {
	switch (code) {
		case 'CERT_HAS_EXPIRED':
			return 'Have the broker’s certificate renewed. (Check this machine’s clock as well.)';
		case 'CERT_NOT_YET_VALID':
			return 'Check this machine’s clock, then the certificate.';
		case 'ERR_TLS_CERT_ALTNAME_INVALID':
			return `Use the name that is in the certificate as host, or give it as server_name_indication if "${address.host}" is right.`;
	}
	if (/does not speak TLS/.test(finding)) {
		return 'This is a port for connections without TLS: use amqp:// there, or the TLS port (usually 5671) with amqps://.';
	}
	if (/this side's certificate/.test(finding)) {
		return 'The broker wants a client certificate that its authority signed: give certfile and keyfile.';
	}
	return 'Give the file of the authority that signed it as cacertfile. Without one, only authorities known to this system count.';
}

function loginVerdict(greeting: Greeting, address: AmqpAddress): Verdict {
	const where = place(address);
	switch (greeting.kind) {
		case 'opened':
			return passed(`${greeting.server} accepted user "${address.username}".`);
		case 'refused':
			if (greeting.at === 'vhost') return passed(`${greeting.server} accepted user "${address.username}".`);
			return failed(
				`${greeting.server} refused the login of user "${address.username}": ${greeting.text}`,
				address.username === 'guest' && !isLocal(address.host)
					? 'RabbitMQ lets the user "guest" in from its own machine only. Make another user for Warren.'
					: 'Check user name and password. In a URL, signs like @ : / % in a password must be percent-encoded.',
			);
		case 'foreign':
			return foreignVerdict(greeting.bytes, where);
		case 'ended':
			if (greeting.at === 'vhost') return passed(`${greeting.server} accepted user "${address.username}".`);
			if (greeting.at === 'login') {
				return failed(
					`${greeting.server} broke off during the login of user "${address.username}".`,
					'Look into the broker’s log: it says why. Usually it is the password.',
				);
			}
			if (greeting.why === 'closed' && address.tls !== null) {
				return failed(
					`${where} closed the connection right after TLS.`,
					'The broker may want a client certificate: give certfile and keyfile.',
				);
			}
			return failed(
				`${where} ${greeting.why === 'closed' ? 'closed the connection' : 'stayed silent'} when greeted in AMQP.`,
				address.tls === null
					? 'It may be the port for TLS: use amqps:// there, or the plain port (usually 5672) with amqp://.'
					: 'Check that this is RabbitMQ’s AMQP port.',
			);
	}
}

/** What answered instead of AMQP, told by its first bytes. */
function foreignVerdict(bytes: Buffer, where: string): Verdict {
	const text = bytes.toString('latin1');
	if (bytes[0] === 0x15 || bytes[0] === 0x16) {
		return failed(
			`${where} speaks TLS.`,
			'Use amqps:// with this port, or the plain port (usually 5672) with amqp://.',
		);
	}
	if (text.startsWith('HTTP')) {
		return failed(
			`${where} speaks HTTP.`,
			'This is a web port, perhaps RabbitMQ’s management pages (15672). AMQP is usually on 5672, or 5671 with TLS.',
		);
	}
	if (text.startsWith('-ERR') || text.startsWith('+')) {
		return failed(`${where} looks like Redis.`, 'RabbitMQ is usually on port 5672.');
	}
	if (text.startsWith('AMQP')) {
		return failed(`${where} speaks another version of AMQP.`, 'Warren speaks AMQP 0-9-1, as RabbitMQ does.');
	}
	return failed(`What answers on ${where} does not speak AMQP.`, 'Check host and port: RabbitMQ is usually on 5672.');
}

function vhostVerdict(greeting: Greeting, address: AmqpAddress): Verdict {
	const { vhost, username } = address;
	if (greeting.kind === 'opened') return passed(`User "${username}" may use the virtual host "${vhost}".`);
	const text = greeting.kind === 'refused' ? greeting.text : 'the broker broke off';
	if (/not found/i.test(text)) {
		return failed(
			`There is no virtual host "${vhost}".`,
			`Check its spelling (the usual one is "/", written as nothing or %2F in a URL), or have it made: rabbitmqctl add_vhost ${vhost}`,
		);
	}
	if (/refused for user/i.test(text)) {
		return failed(
			`User "${username}" may not use the virtual host "${vhost}".`,
			`Have it permitted: rabbitmqctl set_permissions -p ${vhost} ${username} ".*" ".*" ".*"`,
		);
	}
	return failed(`The virtual host "${vhost}" cannot be used: ${text}`, 'Look into the broker’s log: it says why.');
}

async function queuesVerdict(
	options: RabbitDoctorOptions,
	password: string,
	queues: readonly string[],
	signal: AbortSignal,
): Promise<Verdict> {
	if (queues.length === 0) return { status: 'skipped', finding: 'No queues are named in the profile.', cure: null };
	const link = await dial({ address: options.address, password, name: options.clientName, signal });
	try {
		const figures = await queueFigures(link, queues, options.clock.now);
		if (!figures.ok) {
			return failed(
				figures.error.message,
				`Give the user read permission: rabbitmqctl set_permissions -p ${options.address.vhost} ${options.address.username} ".*" ".*" ".*"`,
			);
		}
		const missing = figures.value.filter((figure) => !figure.exists).map((figure) => figure.name);
		if (missing.length > 0) {
			return {
				status: 'warning',
				finding: `Not there yet: ${missing.join(', ')}.`,
				cure: 'carrot’s consumers declare their queues when they start, publishers never do. Start the consumers first: a task published before that is lost.',
			};
		}
		const idle = figures.value.filter((figure) => figure.consumers === 0 && (figure.ready ?? 0) > 0);
		if (idle.length > 0) {
			return {
				status: 'warning',
				finding: `Tasks wait and nobody consumes: ${idle.map((figure) => `${figure.name} (${figure.ready})`).join(', ')}.`,
				cure: 'Start the consumers of these queues.',
			};
		}
		return passed(
			`All there: ${figures.value.map((figure) => `${figure.name} (${figure.ready} waiting)`).join(', ')}.`,
		);
	} finally {
		await link.close();
	}
}
