/** Failures made from known causes, as Python and Node print them, with everything different that differs in life. */
import { randomFrom } from './deployment.ts';

export interface MadeFailure {
	/** Which of the causes it is, from 0. */
	readonly cause: number;
	readonly task: string;
	readonly type: string;
	readonly message: string;
	readonly traceback: string | null;
}

type Random = () => number;

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const HEX = '0123456789abcdef';

function pick<T>(random: Random, from: readonly T[]): T {
	return from[Math.floor(random() * from.length)] as T;
}
function some(random: Random, alphabet: string, length: number): string {
	return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}
function whole(random: Random, most: number): number {
	return Math.floor(random() * most);
}
function uuid(random: Random): string {
	return [8, 4, 4, 4, 12].map((length) => some(random, HEX, length)).join('-');
}

/** Values as messages hold them, none of which tells a cause. */
const VALUES: Readonly<Record<string, (random: Random) => string>> = {
	n: (random) => String(whole(random, 10 ** (1 + whole(random, 9)))),
	ms: (random) => `${(random() * 90).toFixed(whole(random, 4))} ms`,
	id: uuid,
	hex: (random) => `0x${some(random, HEX, 6 + whole(random, 10))}`,
	sha: (random) => some(random, HEX, 40),
	token: (random) => `cus_${some(random, `${LETTERS}ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789`, 23)}7a9Q`,
	q: (random) => `'${some(random, LETTERS, 3 + whole(random, 12))}'`,
	dq: (random) => `"${some(random, LETTERS, 2 + whole(random, 9))} ${some(random, LETTERS, 4)}"`,
	mail: (random) => `${some(random, LETTERS, 6)}.${some(random, LETTERS, 4)}@${some(random, LETTERS, 7)}.example`,
	ip: (random) =>
		`10.${whole(random, 256)}.${whole(random, 256)}.${whole(random, 256)}:${1024 + whole(random, 60_000)}`,
	host: (random) => `db-${whole(random, 40)}.${some(random, LETTERS, 5)}.internal:5432`,
	url: (random) => `https://api.${some(random, LETTERS, 5)}.example/v1/${uuid(random)}?page=${whole(random, 99)}`,
	path: (random) => `/var/tmp/${some(random, LETTERS, 8)}/${uuid(random)}.csv`,
	time: (random) => new Date(1_700_000_000_000 + whole(random, 10 ** 11)).toISOString(),
	list: (random) => `[${Array.from({ length: 1 + whole(random, 6) }, () => whole(random, 9_999)).join(', ')}]`,
};

function filled(template: string, random: Random): string {
	return template.replace(/\{(\w+)\}/g, (_, name: string) => VALUES[name]?.(random) ?? name);
}

interface Cause {
	readonly language: 'python' | 'node' | 'none';
	readonly task: string;
	readonly type: string;
	readonly message: string;
	/** Own places, the failing one last: function and file. */
	readonly own: readonly (readonly [string, string])[];
	/** What it was raised from. */
	readonly from?: {
		readonly type: string;
		readonly message: string;
		readonly own: readonly (readonly [string, string])[];
	};
	readonly link?: 'cause' | 'context';
}

const MESSAGES: readonly (readonly [string, string])[] = [
	['ValueError', 'order {n} has no customer {id}'],
	['KeyError', '{q}'],
	['orders.errors.PaymentDeclined', 'card {n} refused by issuer for order {n}'],
	['psycopg2.OperationalError', 'could not connect to server {host}: timed out after {ms}'],
	['UnicodeDecodeError', "'utf-8' codec can't decode byte {hex} in position {n}: invalid start byte"],
	['TypeError', "unsupported operand type(s) for +: 'int' and 'str'"],
	['FileNotFoundError', '[Errno 2] No such file or directory: {path}'],
	['requests.exceptions.HTTPError', '402 Client Error: Payment Required for url: {url}'],
	['django.core.exceptions.ValidationError', '{mail} is not among {list}'],
	['RuntimeError', 'snapshot {sha} of {time} is gone'],
	['AttributeError', "'NoneType' object has no attribute 'customer'"],
	['AttributeError', "'NoneType' object has no attribute 'address'"],
	['TimeoutError', 'no answer from {ip} within {ms}'],
	['stripe.error.CardError', 'Request {token}: your card was declined'],
];

/** Forty causes: some share a place, some a message, some an exception's type; no two share all. */
export const CAUSES: readonly Cause[] = [
	...MESSAGES.map(
		([type, message], at): Cause => ({
			language: 'python',
			task: `shop.tasks.work_${'abcdefghijklmn'[at]}`,
			type,
			message,
			own: [
				['run', 'shop/tasks.py'],
				[`step_${'abcdefghijklmn'[at]}`, 'shop/steps.py'],
			],
		}),
	),
	// The same messages from other places, some of them raised from something else.
	...MESSAGES.slice(0, 8).map(
		([type, message], at): Cause => ({
			language: 'python',
			task: 'billing.tasks.collect',
			type,
			message,
			own: [
				['collect', 'billing/tasks.py'],
				[`charge_${'abcdefgh'[at]}`, 'billing/charges.py'],
			],
			link: at % 2 === 0 ? 'cause' : 'context',
			from: { type: 'socket.timeout', message: 'timed out after {ms}', own: [['send', 'billing/wire.py']] },
		}),
	),
	...['PaymentDeclined', 'TypeError', 'SyntaxError', 'RangeError', 'FetchError', 'Error', 'Error', 'TypeError'].map(
		(type, at): Cause => ({
			language: 'node',
			task: 'mail.tasks.send',
			type,
			message: [
				'card {n} refused for {mail}',
				"Cannot read properties of undefined (reading 'id')",
				'Unexpected token {q} in JSON at position {n}',
				'Invalid time value {n}',
				'request to {url} failed after {ms}',
				'connect ECONNREFUSED {ip}',
				'ENOENT: no such file or directory, open {path}',
				"Cannot read properties of undefined (reading 'name')",
			][at] as string,
			own: [
				['send', 'mail/send.mjs'],
				[`part${'ABCDEFGH'[at]}`, 'mail/parts.mjs'],
			],
			...(at % 3 === 0
				? {
						from: {
							type: 'Error',
							message: 'socket {hex} closed at {time}',
							own: [['write', 'mail/wire.mjs']] as const,
						},
					}
				: {}),
		}),
	),
	...MESSAGES.slice(0, 10).map(
		([type, message], at): Cause => ({
			language: 'none',
			task: `reports.tasks.${'abcdefghij'[at]}`,
			type,
			message,
			own: [],
		}),
	),
];

const ROOTS = (random: Random): string =>
	pick(random, [
		`/srv/releases/${whole(random, 10 ** 9)}`,
		`/home/${some(random, LETTERS, 6)}/app`,
		`/app/${some(random, HEX, 12)}/src`,
		'/usr/src/app',
		`/private/tmp/${some(random, LETTERS, 8)}`,
	]);
const LIBRARIES = (random: Random, version: number): string =>
	pick(random, [
		`/usr/lib/python3.${version}/site-packages`,
		`/opt/venv-${some(random, HEX, 6)}/lib/python3.${version}/site-packages`,
	]);

function pythonPart(random: Random, type: string, message: string, own: Cause['own'], root: string): string {
	const version = 8 + whole(random, 6);
	const libraries = LIBRARIES(random, version);
	const lines = ['Traceback (most recent call last):'];
	const frame = (file: string, name: string): void => {
		lines.push(
			`  File "${file}", line ${1 + whole(random, 3_000)}, in ${name}`,
			`    ${name}(${some(random, LETTERS, 5)})`,
		);
		if (version > 10) lines.push(`    ${'^'.repeat(1 + whole(random, 20))}`);
	};
	frame(`${libraries}/celery/app/trace.py`, 'trace_task');
	if (random() < 0.5) frame(`${libraries}/celery/app/trace.py`, '__protected_call__');
	for (const [name, file] of own) frame(`${root}/${file}`, name);
	if (random() < 0.3) frame(`${libraries}/requests/adapters.py`, 'send');
	lines.push(`${type}: ${message}`);
	return lines.join('\n');
}

function nodePart(random: Random, type: string, message: string, own: Cause['own'], root: string): string {
	const scheme = root.length % 2 === 0 ? 'file://' : '';
	const at = (name: string, file: string) =>
		`    at ${name} (${file}:${1 + whole(random, 900)}:${1 + whole(random, 90)})`;
	return [
		`${type}: ${message}`,
		...(random() < 0.5 ? [at('post', `${root}/node_modules/@acme/http/index.js`)] : []),
		...[...own]
			.reverse()
			.map(([name, file], i) => at(i > 0 && random() < 0.5 ? `async ${name}` : name, `${scheme}${root}/${file}`)),
		at('process.processTicksAndRejections', 'node:internal/process/task_queues'),
	].join('\n');
}

/** One failure of a cause. */
export function failureOf(cause: number, random: Random): MadeFailure {
	const of = CAUSES[cause] as Cause;
	const root = ROOTS(random);
	const message = filled(of.message, random);
	const made = { cause, task: of.task, type: of.type, message };
	if (of.language === 'none') return { ...made, traceback: null };
	const earlier = of.from === undefined ? null : { ...of.from, message: filled(of.from.message, random) };
	if (of.language === 'node') {
		const head = nodePart(random, of.type, message, of.own, root);
		const tail =
			earlier === null ? '' : `\n\nCaused by: ${nodePart(random, earlier.type, earlier.message, earlier.own, root)}`;
		return { ...made, traceback: head + tail };
	}
	const last = pythonPart(random, of.type, message, of.own, root);
	const words =
		of.link === 'context'
			? 'During handling of the above exception, another exception occurred:'
			: 'The above exception was the direct cause of the following exception:';
	const first =
		earlier === null ? '' : `${pythonPart(random, earlier.type, earlier.message, earlier.own, root)}\n\n${words}\n\n`;
	return { ...made, traceback: `${first}${last}\n` };
}

/** So many failures of all causes, some causes far more often than others. */
export function madeFailures(count: number, seed: number): readonly MadeFailure[] {
	const random = randomFrom(seed);
	return Array.from({ length: count }, (_, at) => {
		const cause = at < CAUSES.length ? at : Math.floor(random() ** 2 * CAUSES.length);
		return failureOf(cause, random);
	});
}

/** How well two divisions of the same things agree: 1 the same, 0 no better than chance (Hubert and Arabie, 1985). */
export function adjustedRandIndex(one: readonly (string | number)[], other: readonly (string | number)[]): number {
	const pairs = (n: number) => (n * (n - 1)) / 2;
	const count = (of: readonly (string | number)[]): Map<string, number> => {
		const counts = new Map<string, number>();
		for (const key of of) counts.set(String(key), (counts.get(String(key)) ?? 0) + 1);
		return counts;
	};
	const sum = (counts: Map<string, number>) => [...counts.values()].reduce((total, n) => total + pairs(n), 0);
	const both = sum(count(one.map((key, at) => `${key} ${other[at]}`)));
	const a = sum(count(one));
	const b = sum(count(other));
	const expected = (a * b) / pairs(one.length);
	const most = (a + b) / 2;
	return most === expected ? 1 : (both - expected) / (most - expected);
}
