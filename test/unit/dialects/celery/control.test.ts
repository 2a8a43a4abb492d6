import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainControlError, readControlReply, writeControlRequest } from '#main/dialects/celery/control.ts';
import { readDetails } from '#main/dialects/celery/control-details.ts';
import {
	CONTROL_METHODS,
	destroysBy,
	INSPECT_ALIASES,
	INSPECT_METHODS,
	inspectMethod,
	methodArguments,
	type WorkerMethod,
} from '#main/domain/worker-methods.ts';

interface Captured {
	readonly method: string;
	readonly arguments: Readonly<Record<string, unknown>>;
	/** Bodies, in base64. */
	readonly replies: readonly string[];
}
const FIXTURE = new URL('../../../fixtures/celery/control.json', import.meta.url);
const captures = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Readonly<
	Record<string, Readonly<Record<string, Captured>>>
>;
const known = new Set<string>([...INSPECT_METHODS, ...CONTROL_METHODS]);

const read = (text: string | Uint8Array, type: string | null = 'application/json') =>
	readControlReply(typeof text === 'string' ? Buffer.from(text) : text, type, 'utf-8');

describe.each(Object.entries(captures))('answers of Celery %s', (_version, cases) => {
	it('are read, every one of them, and name their node', () => {
		for (const [name, { replies }] of Object.entries(cases)) {
			for (const body of replies) {
				const answer = readControlReply(Buffer.from(body, 'base64'), 'application/json', 'utf-8');
				if (!answer.ok) throw new Error(`${name}: ${answer.error.message}`);
				expect(answer.value.map((one) => one.node)).toEqual([expect.stringMatching(/^w\d@lab$/)]);
			}
		}
	});

	it('say whether the worker did it', () => {
		const kindOf = (name: string) => {
			const answer = readControlReply(Buffer.from(cases[name]?.replies[0] ?? '', 'base64'), null, null);
			return answer.ok ? answer.value[0]?.kind : answer.error.message;
		};
		expect(['ping', 'rate_limit_unknown', 'heartbeat', 'stats', 'no_such_command'].map(kindOf)).toEqual([
			'ok',
			'error',
			'value',
			'value',
			'error',
		]);
	});

	it('belong to methods that are offered, or to those that are never sent', () => {
		const methods = new Set(Object.values(cases).map((one) => one.method));
		expect([...methods].filter((one) => !known.has(one)).sort()).toEqual(['hello', 'no_such_command']);
	});
});

describe('an answer', () => {
	it('keeps every digit, and what Python writes beyond JSON', () => {
		const answer = read('{"w@h": {"id": 9223372036854775809, "max": Infinity}}');
		expect(answer.ok && answer.value[0]?.json).toBe('{"id": 9223372036854775809, "max": Infinity}');
	});

	it('of a pickle is data, and nothing is imported or called', () => {
		// {"w@h": os.system}, by protocol 0.
		const answer = read('(dp0\nVw@h\np1\ncos\nsystem\np2\ns.', 'application/x-python-serialize');
		expect(answer.ok && answer.value[0]).toMatchObject({ node: 'w@h', json: expect.stringContaining('system') });
	});

	it('that makes no sense is refused with a reason, and never thrown', () => {
		for (const text of ['', 'null', '[]', '{}', '{"": 1}', '{"w": ', '"w"', `{"${'x'.repeat(2_000)}": 1}`]) {
			expect(read(text).ok, text).toBe(false);
		}
		fc.assert(
			fc.property(
				fc.uint8Array(),
				fc.constantFrom('application/json', 'application/x-python-serialize', 'x', null),
				(bytes, type) => {
					const answer = read(bytes, type);
					return answer.ok || answer.error.message.length > 0;
				},
			),
		);
		fc.assert(
			fc.property(
				fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.jsonValue(), { minKeys: 1 }),
				(value) => {
					const answer = read(JSON.stringify(value));
					return answer.ok && answer.value.length === Object.keys(value).length;
				},
			),
		);
	});

	it('that refuses is explained where that helps', () => {
		expect(explainControlError('revoke_by_stamped_headers', "KeyError('revoke_by_stamped_headers')")).toContain(
			'older',
		);
		expect(explainControlError('rate_limit', 'unknown task')).toContain('registered');
		expect(explainControlError('ping', 'ValueError()')).toBe('ValueError()');
	});
});

it('a request says what kombu expects, and leaves out what is not wanted', () => {
	const request = { method: 'ping', arguments: {}, destination: null, pattern: null } as const;
	expect(JSON.parse(Buffer.from(writeControlRequest({ ...request, reply: null })).toString())).toEqual({
		method: 'ping',
		arguments: {},
		destination: null,
		pattern: null,
		matcher: null,
	});
	const reply = { ticket: 't', exchange: 'reply.celery.pidbox', routingKey: 'me' };
	const asked = writeControlRequest({ ...request, pattern: { text: 'w*', matcher: 'glob' }, reply });
	expect(JSON.parse(Buffer.from(asked).toString())).toMatchObject({
		pattern: 'w*',
		matcher: 'glob',
		ticket: 't',
		reply_to: { exchange: 'reply.celery.pidbox', routing_key: 'me' },
	});
});

describe('arguments', () => {
	const sent = (method: WorkerMethod, given: Readonly<Record<string, unknown>> = {}) => {
		const made = methodArguments(method, given);
		return made.ok ? made.value : made.error.message;
	};

	it('may be given by name or in their order, and go out as Celery names them', () => {
		expect(sent('rate_limit', { values: ['shop.charge', '10/m'] })).toEqual({
			task_name: 'shop.charge',
			rate_limit: '10/m',
		});
		expect(sent('rate_limit', { taskName: 'shop.charge', rateLimit: '0' })).toEqual({
			task_name: 'shop.charge',
			rate_limit: 0,
		});
		expect(sent('revoke', { values: ['a', 'b'], terminate: true, signal: 'kill' })).toEqual({
			task_id: ['a', 'b'],
			terminate: true,
			signal: 'SIGKILL',
		});
		expect(sent('time_limit', { values: ['t', '1.5'] })).toEqual({ task_name: 't', soft: 1.5 });
		expect(sent('add_consumer', { queue: 'q' })).toEqual({
			queue: 'q',
			exchange: null,
			exchange_type: 'direct',
			routing_key: null,
		});
		expect(sent('revoke_by_stamped_headers', { headers: { batch: 'b' } })).toMatchObject({ headers: { batch: ['b'] } });
	});

	it('that are missing, too many or wrong are refused with what the method takes', () => {
		expect(sent('rate_limit', { taskName: 't' })).toContain('needs --rate-limit');
		expect(sent('rate_limit', { values: ['t', 'x/y'] })).toContain('10/s');
		expect(sent('ping', { values: ['x'] })).toContain('It takes no arguments');
		expect(sent('pool_grow', { n: 0 })).toContain('from 1 to');
		expect(sent('autoscale', { max: 2, min: 3 })).toContain('min may not be larger');
		expect(sent('time_limit', { taskName: 't' })).toContain('needs a soft limit');
		expect(sent('time_limit', { taskName: 't', soft: 9, hard: 3 })).toContain('never comes before');
		expect(sent('terminate', { ids: ['a'], signal: 'SIGNOPE' })).toContain('SIGTERM');
		expect(sent('cancel_consumer', { queue: 'q', exchange: 'e' })).toContain('takes no --exchange');
	});

	it('of every method that need nothing else are taken, and what cannot be taken back is guarded', () => {
		const guarded = CONTROL_METHODS.filter((method) => destroysBy(method, {}));
		expect(guarded).toEqual(['terminate', 'revoke_by_stamped_headers', 'pool_restart', 'shutdown']);
		expect(destroysBy('revoke', { terminate: true })).toBe(true);
		expect(destroysBy('constructor', {})).toBe(true);
		for (const [alias, method] of Object.entries(INSPECT_ALIASES)) {
			expect(inspectMethod(alias as keyof typeof INSPECT_ALIASES)).toBe(method);
		}
	});

	it('never throw, whatever is given', () => {
		const method = fc.constantFrom<WorkerMethod>(...INSPECT_METHODS, ...CONTROL_METHODS);
		fc.assert(
			fc.property(method, fc.array(fc.string()), fc.dictionary(fc.string(), fc.jsonValue()), (name, values, named) => {
				const made = methodArguments(name, { ...named, values });
				return made.ok || made.error.code === 'invalid-input';
			}),
		);
	});
});

it('details are read from what workers of both versions say of themselves, and from nonsense nothing', () => {
	for (const cases of Object.values(captures)) {
		const json = (name: string) => {
			const answer = readControlReply(Buffer.from(cases[name]?.replies[0] ?? '', 'base64'), null, null);
			return answer.ok ? (answer.value[0]?.json ?? '') : '';
		};
		const details = readDetails(json('stats'), json('active_queues'), 7);
		expect(details).toMatchObject({ at: 7, queues: ['celery'], autoscale: null, pid: expect.any(Number) });
		expect(details.total['labapp.add']).toBe(14);
		expect(details.processes).toHaveLength(details.concurrency ?? -1);
		expect(readDetails(json('stats_autoscaled'), null, 7)).toMatchObject({
			autoscale: { min: 2, max: 6 },
			queues: null,
		});
	}
	fc.assert(
		fc.property(fc.jsonValue(), fc.string(), (stats, queues) => readDetails(JSON.stringify(stats), queues, 1).at === 1),
	);
});
