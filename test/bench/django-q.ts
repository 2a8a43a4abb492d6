/**
 * django-q's packets. First how many a second are decoded and verified, one captured from real clusters after the other, beside what no
 * reader can do without (base64 and one HMAC of the same packets) and beside Django's own reader, where python3-django-q is installed. Then
 * a list of a million of them on a real Redis, browsed by Warren as it is started, built and in a process of its own, whose peak of memory is
 * told, beside a bare client that fetches the same windows, and beside the same at 1,000 packets.
 *
 *     npm run bench -- django-q [--packets 1000000] [--rounds 5]
 */
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { signatureOf } from '#main/dialects/django-q/check.ts';
import { readPacketMessage } from '#main/dialects/django-q/message.ts';
import { startRedis } from '#test/support/redis.ts';
import { machine, percentile, rounded } from './machine.ts';

const { values } = parseArgs({
	options: { packets: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } },
});
const COUNT = Number(values.packets);
const ROUNDS = Number(values.rounds);
/** Packets read in one round. */
const READS = 20_000;
const FIXTURES = new URL('../fixtures/django-q/', import.meta.url);
const QUEUE = 'bench';
const SECRET = 'the secret of a bench';

interface Sample {
	readonly wire: string;
	readonly body: Buffer;
	readonly prefix: string;
	readonly secretKey: string;
}

/** What the fixtures hold of tasks that sites of today enqueue, plain and compressed. */
function samples(): readonly Sample[] {
	return readdirSync(FIXTURES)
		.filter((file) => /^tasks-django.*\.json$/.test(file))
		.flatMap((file) => {
			const {
				secret_key: secretKey,
				prefix,
				items,
			} = JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as {
				readonly secret_key: string;
				readonly prefix: string;
				readonly items: readonly { readonly wire_ascii: string }[];
			};
			return items.map(({ wire_ascii: wire }) => ({ wire, body: Buffer.from(wire, 'latin1'), prefix, secretKey }));
		});
}

/** Reads a second of `READS` samples in turn. */
function rate(all: readonly Sample[], read: (sample: Sample) => boolean): number {
	const started = performance.now();
	for (let n = 0; n < READS; n += 1) {
		if (!read(all[n % all.length] as Sample)) throw new Error('A packet did not verify.');
	}
	return READS / ((performance.now() - started) / 1_000);
}

function warrenReads({ body, prefix, secretKey }: Sample): boolean {
	const read = readPacketMessage(body);
	if (read.kind === 'fault') return false;
	const check = { secretKey, prefixes: [prefix], expected: null, keyProven: true };
	return signatureOf(read.packet, check).verified === true;
}

/** No less than this is needed: nothing is inflated and nothing unpickled. */
function bareReads({ wire, prefix, secretKey }: Sample): boolean {
	const at = wire.lastIndexOf(':');
	const digest = wire.length - at - 1 === 27 ? 'sha1' : 'sha256';
	const key = createHash(digest).update(`${prefix}signer${secretKey}`).digest('binary');
	const signature = createHmac(digest, key, { encoding: 'latin1' })
		.update(wire.slice(0, at), 'latin1')
		.digest('base64url');
	return Buffer.from(wire, 'base64url').length > 0 && signature === wire.slice(at + 1);
}

const DJANGO = `
import json, sys, time, types
from django.conf import settings
settings.configure(SECRET_KEY='x')
from django_q.signing import PickleSerializer
from django_q.core_signing import loads
# What the captured tasks name: it is only looked up, never called.
demo = types.ModuleType('demo'); tasks = types.ModuleType('demo.tasks')
tasks.__getattr__ = lambda name: print
demo.tasks = tasks; sys.modules['demo'] = demo; sys.modules['demo.tasks'] = tasks
reads, samples = json.load(sys.stdin)
started = time.perf_counter()
for n in range(reads):
    wire, prefix, key = samples[n % len(samples)]
    loads(wire, key=key, salt=prefix, serializer=PickleSerializer)
print(reads / (time.perf_counter() - started))
`;

/** Django's reader and Python's own unpickling, of the same packets; null: it is not installed. */
function djangoRate(all: readonly Sample[]): number | null {
	const folder = mkdtempSync(join(tmpdir(), 'warren-bench-django-q-'));
	try {
		const file = join(folder, 'reads.py');
		writeFileSync(file, DJANGO);
		const input = JSON.stringify([READS, all.map(({ wire, prefix, secretKey }) => [wire, prefix, secretKey])]);
		return Number(execFileSync('/usr/bin/python3', [file], { input, stdio: ['pipe', 'pipe', 'pipe'] }));
	} catch (error) {
		console.error(`  no figure of Django's own reader: ${error instanceof Error ? error.message.slice(-300) : error}`);
		return null;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function part(file: string, ...args: readonly string[]): Record<string, number> {
	const path = fileURLToPath(new URL(file, import.meta.url));
	return JSON.parse(
		execFileSync(process.execPath, [path, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
	);
}

const all = samples();
const [mine, bare]: [number[], number[]] = [[], []];
// The first round of each only warms up; the two take turns, so that both have the same machine.
for (let round = 0; round <= ROUNDS; round += 1) {
	const [a, b] = [rate(all, warrenReads), rate(all, bareReads)];
	if (round === 0) continue;
	mine.push(a);
	bare.push(b);
}
const perSecond = percentile(mine, 0.5);
const reference = percentile(bare, 0.5);
const django = djangoRate(all);
console.error(`  decoded and verified: ${Math.round(perSecond)}/s, bare base64 and HMAC: ${Math.round(reference)}/s`);

// What is measured is what is started, so that it must be of these sources.
const setup = new URL('../../resources/launch/setup.mjs', import.meta.url).href;
execFileSync(
	process.execPath,
	[
		'--input-type=module',
		'--eval',
		`import { ensureBuild } from ${JSON.stringify(setup)}; await ensureBuild((line) => console.error(line));`,
	],
	{ stdio: ['ignore', 'inherit', 'inherit'] },
);
await using redis = await startRedis({ own: true, config: ['appendonly no'] });
const little = 1_000;
part('django-q-fill.ts', redis.url, `${QUEUE}-little`, String(little), SECRET);
const filled = part('django-q-fill.ts', redis.url, QUEUE, String(COUNT), SECRET);
console.error(`  ${COUNT} packets laid down in ${rounded(filled.seconds ?? 0, 1)} s`);
const browse = (queue: string, count: number) => part('django-q-browse.ts', redis.url, queue, String(count), SECRET);
const small = browse(`${QUEUE}-little`, little);
const large = browse(QUEUE, COUNT);
const fetched = part('django-q-fetch.ts', redis.url, QUEUE, String(COUNT));

console.log(
	JSON.stringify({
		bench: 'django-q',
		packetsPerSecond: Math.round(perSecond),
		reference: 'base64 and one HMAC of the same packets',
		referencePerSecond: Math.round(reference),
		ratio: rounded(perSecond / reference),
		djangoPerSecond: django === null ? null : Math.round(django),
		list: {
			packets: COUNT,
			mib: Math.round((filled.bytes ?? 0) / 2 ** 20),
			fillSeconds: rounded(filled.seconds ?? 0, 1),
		},
		browsed: large,
		browsedReference: { packets: little, ...small },
		bareClient: fetched,
		machine: machine(),
	}),
);
