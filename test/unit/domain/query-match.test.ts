import { describe, expect, it } from 'vitest';
import { taskId } from '#main/domain/ids.ts';
import { matches, type QueryRow } from '#main/domain/query-match.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import type { Value } from '#main/domain/value.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;
const str = (value: string): Value => ({ kind: 'str', value });
const int = (text: string): Value => ({ kind: 'int', text });

const FAILED: QueryRow = {
	id: taskId('312a7e71-3f65-47eb-9e5f-6655a4554a04'),
	name: 'shop.tasks.ChargeCard',
	state: 'failed',
	queue: 'payments',
	priority: 5,
	argsJson: '[42, "Zoë"]',
	kwargsJson: '{"user": {"id": 12345678901234567890, "tags": ["vip", "7"], "ok": true, "note": null, "rate": 1.50}}',
	preview: "42, 'Zoë', user={'id': 12345678901234567890, …",
	publishedAt: NOW - 10 * MINUTE,
	startedAt: NOW - 8 * MINUTE,
	finishedAt: NOW - 7 * MINUTE,
	runtimeMs: 61_000,
	worker: 'host1:4711:a',
	attempts: 2,
	exception: { type: 'shop.errors.CardDeclined', message: 'declined: do not honour' },
	result: null,
	log: 'starting\nretrying once',
	group: '1f3c9a0200000000',
	call: {
		args: [int('42'), str('Zoë')],
		kwargs: [
			[
				'user',
				{
					kind: 'dict',
					entries: [
						[str('id'), int('12345678901234567890')],
						[str('tags'), { kind: 'list', items: [str('vip'), str('7')] }],
						[str('ok'), { kind: 'bool', value: true }],
						[str('note'), { kind: 'none' }],
						[str('rate'), { kind: 'float', text: '1.50' }],
					],
				},
			],
		],
	},
};

const WAITING: QueryRow = {
	id: taskId('b'),
	name: 'shop.tasks.mail',
	state: 'queued',
	queue: null,
	priority: null,
	argsJson: null,
	kwargsJson: null,
	preview: '',
	publishedAt: null,
	startedAt: null,
	finishedAt: null,
	runtimeMs: null,
	worker: null,
	attempts: 1,
	exception: null,
};

function holds(text: string, row: QueryRow): boolean {
	const query = parseQuery(text, NOW);
	if (!query.ok) throw new Error(query.error.message);
	return matches(query.value, row);
}

describe('matching a task', () => {
	it.each([
		'',
		'chargecard',
		'ZOË',
		'312A7E71',
		'honour declined',
		'PAYMENTS',
		'/char.e\\w+$/',
		'state:queued,failed',
		'name:charge',
		'name:=shop.tasks.ChargeCard',
		'name:shop.*.Charge*',
		'name:/card$/',
		'queue:payments',
		'queue:pay*',
		'queue:mail,payments',
		'worker:host1:*',
		'id:312a',
		'exception:CardDeclined',
		'exception:"do not"',
		'args:42',
		'kwargs:vip',
		'log:retrying',
		'priority:5',
		'priority:>4',
		'priority:1,5',
		'priority:3..5',
		'group:1f3c',
		'group:00,1F3C9A0200000000',
		'attempts:>=2',
		'runtime:>1m',
		'waited:2m',
		'since:10m',
		'until:5m',
		'-since:5m',
		'args.0:42',
		'args.0:42.0',
		'args.1:Zoë',
		'args.*:x OR args.1:Z*',
		'kwargs.user.id:12345678901234567890',
		'kwargs.user.id:>1e19',
		'kwargs.user.tags.1:7',
		'kwargs.user.tags.1:"7"',
		'kwargs.user.tags.0:/^VI/',
		'kwargs.user.ok:True',
		'kwargs.user.note:null',
		'kwargs.user.rate:1.5',
		'kwargs.user.tags:*',
		'-mail',
		'(mail OR charge) -state:succeeded',
	])('finds the failed task by %s', (text) => {
		expect(holds(text, FAILED)).toBe(true);
		expect(holds(`-(${text === '' ? '*' : text})`, FAILED)).toBe(false);
	});

	it.each([
		'nothing',
		'queue:Payments',
		'queue:pay',
		'name:=chargecard',
		'name:Charge*',
		'id:7e71',
		'state:lost',
		'priority:<5',
		'runtime:<61s',
		'waited:>2m',
		'since:5m',
		'until:8m',
		'args.2:*',
		'args.00:42',
		'args.0:"42"',
		'kwargs.user.id:12345678901234567891',
		'kwargs.user.tags:vip',
		'kwargs.user.ok:1',
		'kwargs.user.note:""',
		'kwargs.user.x:*',
		'args.0.x:*',
		'exception:payments',
		'group:3c9a',
		'group:1f3c9a0200000001',
	])('does not find it by %s', (text) => {
		expect(holds(text, FAILED)).toBe(false);
	});

	it('lets what is not known match nothing, and its negation match', () => {
		for (const term of [
			'queue:*',
			'worker:*',
			'priority:>=0',
			'runtime:>=0',
			'waited:>=0',
			'since:1000w',
			'published:>=2000',
			'exception:""',
			'args:""',
			'args.0:*',
			'log:""',
			'group:0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f',
		]) {
			expect(holds(term, WAITING), term).toBe(false);
			expect(holds(`-${term}`, WAITING), term).toBe(true);
		}
	});

	it('takes the latest known time for since and until', () => {
		expect(holds('since:7m', FAILED)).toBe(true);
		expect(holds('since:7m', { ...FAILED, finishedAt: null })).toBe(false);
		expect(holds('since:8m', { ...FAILED, finishedAt: null })).toBe(true);
		expect(holds('since:10m', { ...FAILED, finishedAt: null, startedAt: null })).toBe(true);
	});

	it('includes the whole day on both ends of a range of days', () => {
		const at = (...parts: readonly [number, number, number, number?]) =>
			new Date(...(parts as [number, number, number])).getTime();
		const row = (finishedAt: number): QueryRow => ({ ...FAILED, finishedAt });
		const query = 'finished:2026-11-19..2026-11-20';
		expect(holds(query, row(at(2026, 10, 19)))).toBe(true);
		expect(holds(query, row(at(2026, 10, 21) - 1))).toBe(true);
		expect(holds(query, row(at(2026, 10, 21)))).toBe(false);
		expect(holds(query, row(at(2026, 10, 19) - 1))).toBe(false);
	});
});
