import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldFrames, frameCount, parseTraceback } from '../../../src-renderer/components/traceback.ts';
import type { ParsedTraceback } from '../../../src-renderer/components/traceback-frames.ts';
import { RUNS } from './runs.ts';

const SAMPLES = import.meta.glob<string>('./tracebacks/*.txt', { query: '?raw', import: 'default', eager: true });

function sample(name: string): string {
	const text = SAMPLES[`./tracebacks/${name}.txt`];
	if (text === undefined) throw new Error(`no sample ${name}`);
	return text;
}
function parsed(name: string, project: string | null = null): ParsedTraceback {
	const result = parseTraceback(sample(name), project);
	if (result === null) throw new Error(`${name} was not understood`);
	return result;
}
const types = (chain: ParsedTraceback['chain']): (string | undefined)[] =>
	chain.map((section) => section.exception?.type);

describe("Python's tracebacks", () => {
	it('tell own code from libraries, and fold the libraries with their names', () => {
		const { chain, language } = parsed('celery', '/srv/shop');
		expect(language).toBe('python');
		const [only] = chain;
		expect(only?.exception).toEqual({
			type: 'orders.errors.PaymentDeclined',
			message: 'card 4021 refused by issuer for order 88213',
		});
		expect(only?.frames.map((frame) => [frame.own, frame.shortFile, frame.line, frame.name])).toEqual([
			[false, 'celery/app/trace.py', 451, 'trace_task'],
			[false, 'celery/app/trace.py', 734, '__protected_call__'],
			[false, 'django/db/transaction.py', 62, 'inner'],
			[true, 'orders/tasks.py', 48, 'capture_payment'],
			[true, 'orders/gateway.py', 113, 'capture'],
		]);
		const runs = foldFrames(only?.frames ?? [], 'python');
		expect(runs.map((run) => (run.kind === 'own' ? run.frame.name : run.origins))).toEqual([
			['celery', 'django'],
			'capture_payment',
			'capture',
		]);
	});

	it('keep the place that Python marked in a line', () => {
		const frame = parsed('context').chain[0]?.frames.at(-1);
		expect(frame?.source).toEqual([
			{
				text: "d['x']['y'] + 1",
				marks: [
					{ start: 0, end: 1, heart: false },
					{ start: 1, end: 6, heart: true },
				],
			},
		]);
	});

	it('lead with the exception that ended it, then its direct cause, with every line of the message', () => {
		const { chain } = parsed('cause');
		expect(types(chain)).toEqual(['RuntimeError', 'json.decoder.JSONDecodeError']);
		expect(chain.map((section) => section.relation)).toEqual(['raised', 'cause']);
		expect(chain[0]?.exception?.message).toBe('card 4021 refused\nsecond line');
	});

	it('tell what was being handled from what it was raised from', () => {
		expect(parsed('context').chain.map((section) => section.relation)).toEqual(['raised', 'context', 'cause']);
	});

	it('count repeated calls instead of listing them', () => {
		const { chain } = parsed('recursion');
		expect(types(chain)).toEqual(['RecursionError']);
		const last = chain[0]?.frames.at(-1);
		expect(last?.repeated).toBe(997);
		expect(frameCount(chain[0]?.frames ?? [])).toBe(1000);
	});

	it('show the place of a syntax error, which is in no function', () => {
		const frame = parsed('syntax').chain[0]?.frames.at(-1);
		expect(frame).toMatchObject({
			file: '/p/bad.py',
			line: 1,
			name: null,
			source: [{ text: 'x = = 1', marks: [{ start: 4, end: 5, heart: true }] }],
		});
	});

	it('open exception groups, groups within them and the chains of each', () => {
		const { chain } = parsed('group');
		expect(types(chain)).toEqual(['ExceptionGroup', 'KeyError']);
		expect(chain[0]?.frames).toHaveLength(2);
		expect(chain[0]?.frames[1]?.source[0]?.text).toContain('raise ExceptionGroup');
		const group = chain[0]?.group ?? [];
		expect(group.map(types)).toEqual([['ValueError'], ['TypeError'], ['ExceptionGroup']]);
		const inner = group[2]?.[0]?.group ?? [];
		expect(inner.map(types)).toEqual([['KeyError', 'RuntimeError', 'json.decoder.JSONDecodeError']]);
		expect(inner[0]?.map((section) => section.relation)).toEqual(['raised', 'context', 'cause']);
	});

	it('leave one frame open where all are a library’s', () => {
		const text =
			'Traceback (most recent call last):\n  File "/usr/lib/python3.11/json/decoder.py", line 353, in raw_decode\n    x\n  File "/venv/lib/python3.11/site-packages/kombu/a.py", line 1, in f\n    y\nValueError';
		const section = parseTraceback(text)?.chain[0];
		expect(section?.exception).toEqual({ type: 'ValueError', message: '' });
		expect(foldFrames(section?.frames ?? [], 'python').map((run) => run.kind)).toEqual(['folded', 'own']);
	});

	it('do not take a virtual environment inside the project for own code', () => {
		const text =
			'Traceback (most recent call last):\n  File "/srv/shop/.venv/lib/python3.11/site-packages/kombu/a.py", line 1, in f\nE: x';
		expect(parseTraceback(text, '/srv/shop')?.chain[0]?.frames[0]).toMatchObject({
			own: false,
			origin: 'kombu',
			shortFile: 'kombu/a.py',
		});
	});

	it('keep what was printed before', () => {
		expect(parseTraceback(`worker said:\n${sample('celery')}`)?.preamble).toBe('worker said:');
	});
});

describe("Node's stacks", () => {
	it('give exception, frames, properties and causes', () => {
		const { chain, language } = parsed('node-cause', '/srv/shop');
		expect(language).toBe('node');
		expect(chain.map((section) => [section.relation, section.exception])).toEqual([
			['raised', { type: 'PaymentDeclined', message: 'card refused\nfor order 3' }],
			['cause', { type: 'Error', message: "ENOENT: no such file or directory, open '/nope'" }],
		]);
		expect(chain[0]?.frames[0]).toMatchObject({
			name: 'capture',
			file: '/srv/shop/tasks/orders.mjs',
			shortFile: 'tasks/orders.mjs',
			line: 3,
			column: 89,
			own: true,
		});
		expect(chain[0]?.details).toBe("code: 'E_CARD',");
		expect(chain[1]?.frames.map((frame) => frame.origin)).toEqual(['node', 'node', '', '']);
		expect(chain[1]?.details).toContain("syscall: 'open'");
	});

	it('give causes and companions as the runner prints them', () => {
		const { chain } = parsed('node-runner');
		expect(types(chain)).toEqual(['PaymentDeclined', 'Error']);
		expect(chain[0]?.frames[1]).toMatchObject({ own: false, origin: '@acme/http' });
		expect(chain[0]?.group.map(types)).toEqual([['TypeError']]);
	});

	it('leave the list of an aggregate as details', () => {
		expect(parsed('node-errors').chain[0]?.details).toContain('SyntaxError');
	});
});

describe('any other text', () => {
	it('is left alone', () => {
		for (const text of ['', 'boom', 'Exit code 1\nkilled', 'File "x.py", line 1'])
			expect(parseTraceback(text)).toBeNull();
	});

	it('never makes the reader throw or hang', () => {
		const pieces = Object.values(SAMPLES).flatMap((text) => text.split('\n'));
		fc.assert(
			fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 80 }), (lines) => {
				const result = parseTraceback(lines.join('\n'));
				if (result !== null) expect(result.chain.length).toBeGreaterThan(0);
			}),
			{ numRuns: RUNS },
		);
	});
});
