import { describe, expect, it } from 'vitest';
import type { QueueFigures } from '#main/domain/queue.ts';
import type { SiteRow } from '#main/domain/site.ts';
import { type ReconcileInput, reconcile } from '#main/monitor/carrot-site/reconcile.ts';
import { siteRow, siteSchedule } from './site-rows.ts';

const NOW = 100_000_000;
const OLD = NOW - 3_600_000;

function figures(more: Partial<QueueFigures> = {}): QueueFigures {
	return { name: 'default', exists: true, ready: 0, unacked: 0, consumers: 1, at: NOW, source: 'management', ...more };
}

function input(rows: readonly SiteRow[], more: Partial<ReconcileInput> = {}): ReconcileInput {
	return {
		now: NOW,
		rows: { items: rows, complete: true, at: NOW },
		ended: new Set(),
		queues: [figures()],
		peeked: new Map(),
		expected: new Map([['default', { count: 1, source: 'person', at: NOW }]]),
		own: { running: new Set(), consumers: new Map() },
		schedules: { items: [], since: new Map(), at: NOW },
		runs: [],
		...more,
	};
}
const find = (given: ReconcileInput, kind: string) => reconcile(given).findings.find((one) => one.kind === kind);
const peek = (ids: readonly string[], at = NOW - 1) => new Map([['default', { ids, complete: true, at }]]);

describe('rows without messages', () => {
	const rows = [siteRow({ publishedAt: OLD }), siteRow({ publishedAt: OLD }), siteRow({ publishedAt: OLD })];

	it('are named one by one when the queue was looked into', () => {
		const given = input(rows, { queues: [figures({ ready: 1 })], peeked: peek([rows[0]?.uuid ?? '']) });
		const found = find(given, 'rows-without-messages');
		expect(found).toMatchObject({ certainty: 'certain', count: 2 });
		expect(found?.rows.map((row) => row.id)).toEqual([rows[1]?.id, rows[2]?.id]);
	});

	it('are counted at least, and only as likely, when it was not', () => {
		const found = find(input(rows, { queues: [figures({ ready: 1, unacked: 1 })] }), 'rows-without-messages');
		expect(found).toMatchObject({ certainty: 'likely', count: 1, rows: [] });
	});

	it('are certain when the queue does not exist', () => {
		const found = find(input(rows, { queues: [figures({ exists: false, ready: null })] }), 'rows-without-messages');
		expect(found).toMatchObject({ certainty: 'certain', count: 3 });
	});

	it('are not claimed for rows that were published a moment ago', () => {
		const young = [siteRow({ publishedAt: NOW - 2_000 })];
		expect(find(input(young, { peeked: peek([]) }), 'rows-without-messages')).toBeUndefined();
	});

	it('cannot be told without a broker', () => {
		const { findings, cannotTell } = reconcile(input(rows, { queues: null }));
		expect(findings).toEqual([]);
		expect(cannotTell.map((one) => one.kind)).toContain('rows-without-messages');
	});

	it('of an exchange of their own are not judged', () => {
		const { findings, cannotTell } = reconcile(input([siteRow({ exchange: 'ours', publishedAt: OLD })]));
		expect(findings).toEqual([]);
		expect(cannotTell[0]?.reason).toContain('exchange');
	});
});

describe('messages without rows', () => {
	it('are named when the queue was looked into before the rows were read', () => {
		const row = siteRow({ publishedAt: OLD });
		const given = input([row], { queues: [figures({ ready: 2, consumers: 0 })], peeked: peek([row.uuid, 'stranger']) });
		expect(find(given, 'messages-without-rows')).toMatchObject({ certainty: 'certain', messages: ['stranger'] });
	});

	it('are only likely while consumers could have ended one meanwhile', () => {
		const given = input([], { queues: [figures({ ready: 1 })], peeked: peek(['stranger']) });
		expect(find(given, 'messages-without-rows')?.certainty).toBe('likely');
	});

	it('are not claimed for messages whose row ended meanwhile or that Warren runs itself', () => {
		const given = input([], {
			queues: [figures({ ready: 2 })],
			peeked: peek(['ended', 'ours']),
			ended: new Set(['ended']),
			own: { running: new Set(['ours']), consumers: new Map() },
		});
		expect(find(given, 'messages-without-rows')).toBeUndefined();
	});

	it('are counted when nobody looked', () => {
		const given = input([siteRow({ publishedAt: OLD })], { queues: [figures({ ready: 5 })] });
		expect(find(given, 'messages-without-rows')).toMatchObject({ certainty: 'likely', count: 4, messages: [] });
	});

	it('cannot be told when more rows exist than were read, or when the look came last', () => {
		const some = input([siteRow()], {
			rows: { items: [siteRow()], complete: false, at: NOW },
			queues: [figures({ ready: 9 })],
		});
		const late = input([], { queues: [figures({ ready: 1 })], peeked: peek(['stranger'], NOW + 5) });
		for (const given of [some, late]) {
			expect(find(given, 'messages-without-rows')).toBeUndefined();
			expect(reconcile(given).cannotTell.map((one) => one.kind)).toContain('messages-without-rows');
		}
	});
});

describe('running rows with no consumer', () => {
	const running = [
		siteRow({ status: 'IN_PROGRESS', publishedAt: OLD }),
		siteRow({ status: 'IN_PROGRESS', publishedAt: OLD }),
	];

	it('are all suspect when nothing is handed out, and never called certain', () => {
		const found = find(input(running), 'running-without-consumer');
		expect(found).toMatchObject({ certainty: 'likely', count: 2 });
		expect(found?.rows).toHaveLength(2);
		expect(found?.next).toContain('only when its worker is gone');
	});

	it("leave out what Warren's own consumers run", () => {
		const own = { running: new Set([running[0]?.uuid ?? '']), consumers: new Map([['default', 1]]) };
		const given = input(running, { queues: [figures({ unacked: 2, consumers: 2 })], own });
		expect(find(given, 'running-without-consumer')).toBeUndefined();
	});

	it('are found over AMQP alone when there are fewer consumers than rows, and otherwise left open', () => {
		const fewer = input(running, { queues: [figures({ unacked: null, consumers: 1, source: 'amqp' })] });
		expect(find(fewer, 'running-without-consumer')).toMatchObject({ count: 1, rows: [] });
		const enough = input(running, { queues: [figures({ unacked: null, consumers: 2, source: 'amqp' })] });
		expect(find(enough, 'running-without-consumer')).toBeUndefined();
		expect(reconcile(enough).cannotTell.map((one) => one.kind)).toContain('running-without-consumer');
	});
});

describe('fewer consumers than configured', () => {
	it("is found without counting Warren's own", () => {
		const own = { running: new Set<string>(), consumers: new Map([['default', 2]]) };
		const expected = new Map([['default', { count: 4, source: 'person', at: NOW } as const]]);
		const found = find(input([], { queues: [figures({ consumers: 3 })], own, expected }), 'fewer-consumers');
		expect(found).toMatchObject({ certainty: 'certain', count: 3 });
		expect(found?.evidence.map((one) => one.value)).toEqual([1, 4]);
	});

	it('is only likely when the number is the most that was ever seen', () => {
		const expected = new Map([['default', { count: 2, source: 'warren', at: OLD } as const]]);
		const found = find(input([], { queues: [figures({ consumers: 0 })], expected }), 'fewer-consumers');
		expect(found).toMatchObject({ certainty: 'likely', count: 2 });
		expect(found?.evidence[1]?.at).toBe(OLD);
	});

	it('cannot be told when nobody said how many there should be', () => {
		const { cannotTell } = reconcile(input([], { expected: new Map() }));
		expect(cannotTell.find((one) => one.kind === 'fewer-consumers')?.cure).toContain('--expect default=N');
	});
});

describe('dead schedules', () => {
	const schedule = siteSchedule({ intervalMs: 600_000, content: '{"a":1}' });
	const run = (age: number) => ({ ...siteRow({ content: '{"a": 1}', publishedAt: NOW - age }) });
	const schedules = (watched: number) => ({
		items: [schedule],
		since: new Map([[schedule.id, NOW - watched]]),
		at: NOW,
	});

	it('made no row for more than one and a half intervals', () => {
		const given = input([], { schedules: schedules(2_000_000), runs: [run(3_000_000)] });
		expect(find(given, 'dead-schedule')).toMatchObject({ certainty: 'certain', count: 1 });
	});

	it('are alive with a row of late, however old the others are', () => {
		const given = input([], { schedules: schedules(2_000_000), runs: [run(3_000_000), run(700_000)] });
		expect(find(given, 'dead-schedule')).toBeUndefined();
	});

	it('are only likely when somebody may have switched them on a moment ago', () => {
		const given = input([], { schedules: schedules(0), runs: [run(3_000_000)] });
		expect(find(given, 'dead-schedule')?.certainty).toBe('likely');
	});

	it('cannot be told without any row and without having watched', () => {
		const { findings, cannotTell } = reconcile(input([], { schedules: schedules(60_000) }));
		expect(findings).toEqual([]);
		expect(cannotTell[0]).toMatchObject({ kind: 'dead-schedule' });
	});

	it('are never the ones that are switched off', () => {
		const off = { items: [{ ...schedule, active: false }], since: new Map(), at: NOW };
		expect(find(input([], { schedules: off, runs: [run(9_000_000)] }), 'dead-schedule')).toBeUndefined();
	});
});

describe('a reconciliation', () => {
	it('finds nothing where everything fits', () => {
		const rows = [siteRow({ publishedAt: OLD }), siteRow({ status: 'IN_PROGRESS', publishedAt: OLD })];
		const given = input(rows, { queues: [figures({ ready: 1, unacked: 1 })] });
		expect(reconcile(given).findings).toEqual([]);
	});

	it('dates every number of its evidence', () => {
		const given = input([siteRow({ publishedAt: OLD })], { queues: [figures({ at: NOW - 5 })] });
		for (const finding of reconcile(given).findings) {
			expect(finding.evidence.length).toBeGreaterThan(0);
			for (const fact of finding.evidence) expect(fact.at).toBeGreaterThan(0);
		}
	});
});
