/** TLS to a real RabbitMQ: what passes, and what the doctor says of everything that must not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDoctor, createDriver } from '#main/brokers/connect.ts';
import type { DoctorStep } from '#main/domain/profile.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { driverContext, must, toQueue } from '../support/brokers.ts';
import { type RabbitServer, startRabbit } from '../support/rabbitmq.ts';
import { type Authority, type Certificate, createAuthority } from '../support/tls.ts';

const stack = new AsyncDisposableStack();
let ours: Authority;
let strangers: Authority;
let client: Certificate;
let strangeClient: Certificate;
let server: RabbitServer;
let expired: RabbitServer;

beforeAll(async () => {
	ours = stack.use(await createAuthority('Warren test authority'));
	strangers = stack.use(await createAuthority('Somebody else'));
	client = await ours.issue({ name: 'client', alternativeNames: [] });
	strangeClient = await strangers.issue({ name: 'client', alternativeNames: [] });
	const good = await ours.issue({ name: 'broker', alternativeNames: ['DNS:localhost', 'DNS:broker.example'] });
	const old = await ours.issue({ name: 'broker', alternativeNames: ['DNS:localhost'], expired: true });
	[server, expired] = await Promise.all([
		startRabbit({ tls: { caFile: ours.caFile, ...good, clientCertificate: true } }),
		startRabbit({ tls: { caFile: ours.caFile, ...old } }),
	]);
	stack.defer(() => server.stop());
	stack.defer(() => expired.stop());
});
afterAll(() => stack.disposeAsync());

type Parameters = Readonly<Record<string, string>>;

function url(host: string, port: number | null, parameters: Parameters): string {
	const query = Object.entries(parameters).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
	return `amqps://guest:guest@${host}:${port}/?${query.join('&')}`;
}

const certificates = (certificate: Certificate): Parameters => ({
	certfile: certificate.certFile,
	keyfile: certificate.keyFile,
});

async function examine(text: string): Promise<readonly DoctorStep[]> {
	const { address, password } = must(parseBroker(text));
	const doctor = createDoctor(address, driverContext({ folder: '', password }));
	return doctor([], AbortSignal.timeout(60_000));
}

async function verdict(text: string): Promise<DoctorStep> {
	const last = (await examine(text)).at(-1);
	if (last === undefined) throw new Error('The doctor said nothing.');
	return last;
}

/** Why a driver does not connect. */
async function refusal(text: string): Promise<string> {
	const { address, password } = must(parseBroker(text));
	await using driver = createDriver(address, driverContext({ folder: '', password }));
	driver.connect();
	const ready = await driver.ready(5_000);
	if (ready.ok) throw new Error('It connected.');
	return `${ready.error.code}: ${ready.error.message}`;
}

describe('over TLS', () => {
	it('the right authority and client certificate connect, publish and pass every step', async () => {
		const text = url('localhost', server.tlsPort, { cacertfile: ours.caFile, ...certificates(client) });
		const steps = await examine(text);
		expect(steps.map((step) => [step.step, step.status])).toEqual([
			['address', 'passed'],
			['dns', 'passed'],
			['tcp', 'passed'],
			['tls', 'passed'],
			['login', 'passed'],
			['vhost', 'passed'],
			['queues', 'skipped'],
		]);
		const { address, password } = must(parseBroker(text));
		await using driver = createDriver(address, driverContext({ folder: '', password }));
		driver.connect();
		must(await driver.ready(20_000));
		must(await driver.ensureQueue({ queue: 'tls', durable: true, maxPriority: 255, carrotExchange: true }));
		must(await driver.publish(toQueue('tls', Buffer.alloc(300_000, 'x'))));
	});

	it('an address instead of a name works with the name given apart', async () => {
		const text = url('127.0.0.1', server.tlsPort, {
			cacertfile: ours.caFile,
			server_name_indication: 'broker.example',
			...certificates(client),
		});
		expect(await verdict(text)).toMatchObject({ step: 'queues', status: 'skipped' });
	});

	it('an unknown authority is named, with the cure', async () => {
		const text = url('localhost', server.tlsPort, { cacertfile: strangers.caFile, ...certificates(client) });
		const step = await verdict(text);
		expect(step).toMatchObject({ step: 'tls', status: 'failed' });
		expect(step.finding).toMatch(/authority/);
		expect(step.cure).toMatch(/cacertfile/);
		expect(await refusal(text)).toMatch(/^refused: .*authority/);
	});

	it('no authority at all is as unknown', async () => {
		expect((await verdict(url('localhost', server.tlsPort, {}))).finding).toMatch(/authority/);
	});

	it('an expired certificate is named', async () => {
		const text = url('localhost', expired.tlsPort, { cacertfile: ours.caFile });
		const step = await verdict(text);
		expect(step).toMatchObject({ step: 'tls', status: 'failed' });
		expect(step.finding).toMatch(/expired/);
		expect(step.cure).toMatch(/renew/);
		expect(await refusal(text)).toMatch(/^refused: .*expired/);
	});

	it('a certificate for another name is named, with the name that was expected', async () => {
		const text = url('127.0.0.1', server.tlsPort, { cacertfile: ours.caFile, ...certificates(client) });
		const step = await verdict(text);
		expect(step).toMatchObject({ step: 'tls', status: 'failed' });
		expect(step.finding).toMatch(/another name than "127\.0\.0\.1"/);
		expect(step.cure).toMatch(/server_name_indication/);
		expect(await refusal(text)).toMatch(/another name/);
	});

	it('a missing client certificate is named', async () => {
		const step = await verdict(url('localhost', server.tlsPort, { cacertfile: ours.caFile }));
		expect(step.status).toBe('failed');
		expect(step.cure).toMatch(/certfile/);
	});

	it("a client certificate of another authority is refused in the broker's name", async () => {
		const step = await verdict(
			url('localhost', server.tlsPort, { cacertfile: ours.caFile, ...certificates(strangeClient) }),
		);
		expect(step.status).toBe('failed');
		expect(step.cure).toMatch(/certfile/);
	});

	it('a missing file is named with its path', async () => {
		const text = url('localhost', server.tlsPort, { cacertfile: '/nowhere/ca.pem' });
		const step = await verdict(text);
		expect(step).toMatchObject({ step: 'tls', status: 'failed' });
		expect(step.finding).toContain('/nowhere/ca.pem');
		expect(await refusal(text)).toContain('/nowhere/ca.pem');
	});

	it('verify_none connects, and the doctor warns of it', async () => {
		const steps = await examine(url('localhost', expired.tlsPort, { verify: 'verify_none' }));
		expect(steps[0]).toMatchObject({ step: 'address', status: 'warning' });
		expect(steps.at(-1)).toMatchObject({ step: 'queues', status: 'skipped' });
	});

	it('spoken to a plain port is told apart', async () => {
		const text = url('localhost', server.port, { cacertfile: ours.caFile });
		const step = await verdict(text);
		expect(step).toMatchObject({ step: 'tls', status: 'failed' });
		expect(step.cure).toMatch(/amqp:\/\//);
		expect(await refusal(text)).not.toBe('');
	});

	it('not spoken to a TLS port is told apart', async () => {
		const text = `amqp://guest:guest@localhost:${server.tlsPort}/`;
		const step = await verdict(text);
		expect(step).toMatchObject({ step: 'login', status: 'failed' });
		expect(step.cure).toMatch(/amqps:\/\//);
		expect(await refusal(text)).toMatch(/^unreachable: /);
	});
});
