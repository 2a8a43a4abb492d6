import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageKey, normaliseMessage } from '#main/domain/failure-message.ts';
import { type FailureFacts, fingerprint, hash64 } from '#main/domain/failure-print.ts';
import { readFailureTrace } from '#main/domain/failure-trace.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { adjustedRandIndex, CAUSES, failureOf, madeFailures } from '#test/support/failures.ts';

const SAMPLES = new URL('../../ui/components/tracebacks/', import.meta.url);
const sample = (name: string): string => readFileSync(new URL(`${name}.txt`, SAMPLES), 'utf8');
const traced = (traceback: string): FailureFacts => ({ task: 'shop.run', type: 'X', message: 'x', traceback });
const printOf = (traceback: string) => fingerprint(traced(traceback));

const PYTHON = sample('celery');

describe('the message of an exception', () => {
	it.each([
		['card 4021 refused by issuer for order 88213', 'card ‹n› refused by issuer for order ‹n›'],
		[
			'could not connect to server: db-2.internal:5432 timed out after 30.5s',
			'could not connect to server: ‹host› timed out after ‹n›',
		],
		["'utf-8' codec can't decode byte 0x9f in position 12", "'utf-8' codec can't decode byte ‹hex› in position ‹n›"],
		["'NoneType' object has no attribute 'pk'", "'NoneType' object has no attribute 'pk'"],
		["Cannot read properties of undefined (reading 'id')", "Cannot read properties of undefined (reading 'id')"],
		["KeyError: 'x42'", 'KeyError: ‹value›'],
		['duplicate key "users_email": bob@x.example', 'duplicate key ‹value›: ‹email›'],
		['open /var/tmp/x9/file.txt failed at 2026-11-27T06:20:11.123Z', 'open ‹path› failed at ‹time›'],
		['user 3f2a9c1b, request 0e5c1b2a-aaaa-4bbb-8ccc-123456789abc', 'user ‹hex›, request ‹id›'],
		['order ord_3MtwBwLkdIwHu7ix28a3tqPa expired', 'order ‹id› expired'],
		['GET https://api.example.com/v1/x?id=3 gave 502', 'GET ‹url› gave ‹n›'],
		['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED ‹host›'],
		['division by zero', 'division by zero'],
		["can't pickle and won't try", "can't pickle and won't try"],
	])('%s is read as %s', (message, left) => {
		expect(normaliseMessage(message)).toBe(left);
	});

	it('counts the same whatever its values are', () => {
		const value = fc.oneof(
			fc.nat().map(String),
			fc.uuid(),
			fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString()),
			fc.ipV4(),
			fc.nat().map((n) => `0x${n.toString(16)}`),
			fc.stringMatching(/^[a-z]{1,12}$/).map((word) => `'${word}'`),
		);
		const key = (some: readonly string[]) => messageKey(normaliseMessage(`order ${some[0]} of ${some[1]} is gone`));
		fc.assert(fc.property(fc.tuple(value, value), fc.tuple(value, value), (a, b) => key(a) === key(b)));
	});

	it('keeps lists of every length together', () => {
		const key = (text: string) => messageKey(normaliseMessage(text));
		expect(key('none of [1, 2, 3] fits')).toBe(key('none of [4] fits'));
	});

	it('is looked at in time linear in its length, whatever is in it', () => {
		for (const bit of ["'", '\\', '"a', 'a.', 'a-', '1.', ':', '/', '@', 'a@b.', '0x', '1:1:', '‹']) {
			expect(normaliseMessage(bit.repeat(200_000)).length).toBeLessThanOrEqual(300);
		}
	});
});

describe('the fingerprint of a traceback', () => {
	it('is made of the chain, the places in own code and what is left of the messages', () => {
		const { why, type, message, frame } = printOf(PYTHON);
		expect({ type, message }).toEqual({
			type: 'orders.errors.PaymentDeclined',
			message: 'card ‹n› refused by issuer for order ‹n›',
		});
		expect(frame).toEqual({ name: 'capture', file: 'orders/gateway.py', own: true });
		expect(why.exceptions[0]?.frames.map((one) => one.name)).toEqual(['capture_payment', 'capture']);
	});

	it('does not change with lines, deployment folders, versions of libraries or ids', () => {
		const moved = fc.record({
			line: fc.nat(9_999),
			root: fc.constantFrom('/app', '/srv/releases/20260714093012', '/home/x/site', '/tmp/8f3a2b'),
			version: fc.integer({ min: 8, max: 14 }),
			card: fc.nat(),
		});
		const base = printOf(PYTHON).hash;
		fc.assert(
			fc.property(moved, ({ line, root, version, card }) => {
				const text = PYTHON.replace(/line \d+/g, `line ${line}`)
					.replaceAll('/srv/shop', root)
					.replaceAll('/usr/lib/python3/dist-packages', `/opt/v/lib/python3.${version}/site-packages`)
					.replace('4021', String(card));
				return printOf(text).hash === base;
			}),
		);
	});

	it('changes with the exception, the place, what it says and what it was raised from', () => {
		const cause = sample('cause');
		const hashes = [
			PYTHON,
			PYTHON.replace('PaymentDeclined: ', 'PaymentLost: '),
			PYTHON.replace('in capture\n', 'in refund\n'),
			PYTHON.replace('orders/gateway.py', 'orders/portal.py'),
			PYTHON.replace('refused by issuer', 'refused by bank'),
			cause,
			cause.replace('JSONDecodeError', 'ScanError'),
			cause.replace(
				'The above exception was the direct cause of the following exception:',
				'During handling of the above exception, another exception occurred:',
			),
		].map((text) => printOf(text).hash);
		expect(new Set(hashes).size).toBe(hashes.length);
	});

	it('does not count how deep a recursion went or where it ended', () => {
		const deep = sample('recursion');
		const frame = '  File "/srv/shop/orders/tasks.py", line 20, in r\n    def r(n): return r(n)\n';
		const spelled = deep.replace(/ {2}\[Previous line repeated .*\]\n/, frame.repeat(400));
		expect(printOf(spelled).hash).toBe(printOf(deep).hash);
		const node = (from: number) =>
			`RangeError: Maximum call stack size exceeded\n${['a', 'b', 'a', 'b', 'a', 'b', 'a']
				.slice(from)
				.map((name) => `    at ${name} (/srv/x/walk.mjs:${from + 3}:1)`)
				.join('\n')}`;
		expect(printOf(node(0)).hash).toBe(printOf(node(1)).hash);
	});

	it('does not depend on the order of an exception group or of an AggregateError', () => {
		const node = sample('node-errors');
		const [first, second] = ['Error: b', 'Error: c'];
		const both = (a: string, b: string) =>
			`AggregateError: all\n    at f (/srv/x/a.mjs:1:1) {\n  [errors]: [\n    ${a}\n        at g (/srv/x/a.mjs:2:2),\n    ${b}\n        at h (/srv/x/a.mjs:3:3)\n  ]\n}`;
		expect(readFailureTrace(node)?.exceptions.map((one) => one.type)).toEqual([
			'AggregateError',
			'SyntaxError',
			'Error',
		]);
		const swapped = both(second as string, first as string)
			.replace(/at g/, 'at X')
			.replace(/at h/, 'at g')
			.replace(/at X/, 'at h');
		expect(printOf(both(first as string, second as string)).hash).toBe(printOf(swapped).hash);
	});

	it('reads an exception group with its members, their chains, and what came before it', () => {
		const { exceptions } = readFailureTrace(sample('group')) ?? { exceptions: [] };
		expect(exceptions.map((one) => `${one.relation} ${one.type}`)).toEqual([
			'raised ExceptionGroup',
			'context KeyError',
			'member ValueError',
			'member TypeError',
			'member ExceptionGroup',
			'member json.decoder.JSONDecodeError',
			'member RuntimeError',
			'member KeyError',
		]);
	});

	it.each(readdirSync(SAMPLES).map((name) => name.replace('.txt', '')))('understands %s', (name) => {
		expect(printOf(sample(name)).why.language).not.toBeNull();
		expect(printOf(sample(name).replaceAll('\n', '\r\n')).hash).toBe(printOf(sample(name)).hash);
	});

	it('finds the traceback in what django-q stores, and past the words of a pool', () => {
		expect(printOf(`card 4021 refused by issuer for order 88213 : ${PYTHON}`).hash).toBe(printOf(PYTHON).hash);
		const pool = `billiard.pool.RemoteTraceback: \n"""\n${PYTHON}"""\n\nThe above exception was the direct cause of the following exception:\n\n${PYTHON}`;
		const types = readFailureTrace(pool)?.exceptions.map((one) => one.type);
		expect(types).toEqual(['orders.errors.PaymentDeclined', 'orders.errors.PaymentDeclined']);
	});

	it('tells tasks apart only where there is no traceback', () => {
		const bare = (task: string): FailureFacts => ({ task, type: 'Timeout', message: 'after 3 s', traceback: null });
		expect(fingerprint(bare('a')).hash).not.toBe(fingerprint(bare('b')).hash);
		expect(fingerprint({ ...traced(PYTHON), task: 'a' }).hash).toBe(fingerprint({ ...traced(PYTHON), task: 'b' }).hash);
		expect(fingerprint({ ...bare('a'), traceback: 'no traceback at all' }).hash).toBe(fingerprint(bare('a')).hash);
	});

	it('answers for hostile text of a megabyte as for any other', () => {
		const line = '  File "/srv/a.py", line 1, in f\n';
		for (const text of [
			`Traceback (most recent call last):\n${line.repeat(30_000)}E: x`,
			'Traceback (most recent call last):\n'.repeat(30_000),
			`${'    at f (/srv/a.js:1:1)\n'.repeat(40_000)}`,
			`E: x\n${'  [cause]: '.repeat(90_000)}\n    at f (/srv/a.js:1:1)`,
			`  + Exception Group Traceback (most recent call last):\n${'  | '.repeat(250_000)}`,
			`Traceback (most recent call last):\n  File "${'/a'.repeat(400_000)}", line 1, in f\nE`,
			`Traceback (most recent call last):\n${line}${'A.'.repeat(400_000)}: x`,
		]) {
			expect(printOf(text).hash).toMatch(/^[0-9a-f]{16}$/);
		}
	});

	it('never throws, and says the same twice', () => {
		const part = fc.constantFrom(
			'Traceback (most recent call last):',
			'  File "a.py", line 1, in f',
			'  +-+--- 1 ---',
			'  | ',
			'    at f (/a.js:1:2)',
			'  [errors]: [',
			'E: m',
			'',
			'  [cause]: E: m',
			'}',
			']',
		);
		fc.assert(
			fc.property(fc.array(fc.oneof(part, fc.string())), (lines) => {
				expect(printOf(lines.join('\n')).hash).toBe(printOf(lines.join('\n')).hash);
			}),
		);
	});
});

describe('failures made from forty causes', () => {
	const count = process.env.WARREN_LONG === undefined ? 5_000 : 100_000;

	it(`come together by cause, ${count} of them`, { timeout: 300_000 }, () => {
		const made = madeFailures(count, 11);
		expect(new Set(made.map((one) => one.cause)).size).toBe(CAUSES.length);
		const index = adjustedRandIndex(
			made.map((one) => one.cause),
			made.map((one) => fingerprint(one).hash),
		);
		expect(index).toBeGreaterThanOrEqual(0.98);
	});

	it('would not pass for grouped by type, by task or all together', () => {
		const made = madeFailures(2_000, 3);
		const truth = made.map((one) => one.cause);
		for (const key of [(one: (typeof made)[number]) => one.type, (one: (typeof made)[number]) => one.task, () => 'all'])
			expect(adjustedRandIndex(truth, made.map(key))).toBeLessThan(0.9);
		expect(adjustedRandIndex(truth, truth)).toBe(1);
	});

	it('have the same fingerprint in every version of Warren that counts as this one', () => {
		const random = randomFrom(1);
		expect(CAUSES.slice(0, 3).map((_, cause) => fingerprint(failureOf(cause, random)).hash)).toMatchInlineSnapshot(`
			[
			  "f874f0cb4e6b9091",
			  "6d8c7bb286f828da",
			  "ac7df9286e2de1aa",
			]
		`);
	});
});

describe('the hash', () => {
	it('differs for texts that differ, and spreads over all its digits', () => {
		const seen = new Set(Array.from({ length: 20_000 }, (_, at) => hash64(`group ${at}`)));
		expect(seen.size).toBe(20_000);
		const first = new Set([...seen].map((hash) => hash.slice(0, 2)));
		expect(first.size).toBe(256);
		expect(hash64('')).toMatch(/^[0-9a-f]{16}$/);
	});
});
