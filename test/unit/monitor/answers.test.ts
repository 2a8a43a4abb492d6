import { describe, expect, it } from 'vitest';
import { readSiteAddress } from '#main/monitor/carrot-site/address.ts';
import { learnOffset, readRow, readSchedule } from '#main/monitor/carrot-site/answers.ts';
import { readRowLog } from '#main/monitor/carrot-site/row-log.ts';
import { siteRow } from './site-rows.ts';

const CANARY = 'amqp://user:canary-password@host:5672/vh';
const raw = {
	id: 7,
	uuid: 'u-7',
	status: 'COMPLETED',
	task: 'shop.add',
	queue: 'default',
	exchange: '',
	routing_key: 'default',
	priority: 3,
	task_args: '(1, 2)',
	content: '{"x": "y"}',
	exception: null,
	traceback: null,
	output: '3',
	log: null,
	publish_time: '2026-11-21T06:00:00.123456-06:00',
	failure_time: null,
	completion_time: '2026-11-21T06:00:05-06:00',
	virtual_host: CANARY,
};

function read(answer: unknown, naiveOffset: number | null = null) {
	const row = readRow(answer, { naiveOffset });
	if (!row.ok) throw new Error(row.error.message);
	return row.value;
}

describe("a site's row", () => {
	it("leaves the broker's credentials where they came from", () => {
		expect(JSON.stringify(read(raw))).not.toContain('canary');
	});

	it('reads times in the zone the site writes', () => {
		const row = read(raw);
		expect(new Date(row.publishedAt ?? 0).toISOString()).toBe('2026-11-21T12:00:00.123Z');
		expect(row.utcOffset).toBe(-360);
	});

	it('reads times without a zone at the offset that was learned, and says so when there is none', () => {
		const naive = { ...raw, publish_time: '2026-11-21T06:00:00', completion_time: null };
		expect(new Date(read(naive, -360).publishedAt ?? 0).toISOString()).toBe('2026-11-21T12:00:00.000Z');
		expect(read(naive).utcOffset).toBeNull();
	});

	it('is refused with its number when its status is none of the four', () => {
		const row = readRow({ ...raw, status: 'PAUSED' }, { naiveOffset: null });
		expect(row.ok ? '' : row.error.message).toContain('Row 7');
	});
});

describe("a site's schedule", () => {
	const schedule = {
		id: 1,
		task_name: null,
		task: 'a.b',
		queue: 'q',
		interval_type: 'weeks',
		interval_count: 2,
		active: true,
	};

	it('has no keyword arguments when it holds the text "{}" with its quotes', () => {
		const found = readSchedule({ ...schedule, content: '"{}"' });
		expect(found.ok && found.value.content).toBeNull();
	});

	it("counts units that carrot does not know as seconds, as carrot's scheduler does", () => {
		const found = readSchedule(schedule);
		expect(found.ok && found.value.intervalMs).toBe(2_000);
	});
});

describe("the monitor's address", () => {
	it.each([
		['https://site.example/carrot', 'https://site.example/carrot/'],
		['https://site.example/ops/carrot/', 'https://site.example/ops/carrot/'],
		['http://127.0.0.1:8000/carrot/api/message-logs/failed/?page=2#x', 'http://127.0.0.1:8000/carrot/'],
		['https://site.example', 'https://site.example/'],
	])('%s is %s', (text, base) => {
		const read = readSiteAddress(text);
		expect(read.ok && read.value.base).toBe(base);
	});

	it('gives up the user and password it was pasted with', () => {
		const read = readSiteAddress('https://ann:s%40cret@site.example/carrot/');
		expect(read).toEqual({
			ok: true,
			value: { base: 'https://site.example/carrot/', username: 'ann', password: 's@cret' },
		});
	});

	it('is refused when it is no web address', () => {
		for (const text of ['ftp://site/', 'carrot', 'amqp://u:p@h/']) expect(readSiteAddress(text).ok).toBe(false);
	});
});

describe("a row's log", () => {
	const name = 'default-consumer-1';
	const publishedAt = Date.UTC(2026, 10, 21, 12, 0, 0);
	const log = [
		`${name} 2026-11-21 12:00:01,000 INFO:: Starting task tasks.add`,
		`${name} 2026-11-21 06:00:02,500 WARNING:: slow`,
		'and more of it',
		`${name} 2026-11-21 12:00:03,000 INFO:: Task shop.tasks.add completed successfully with response 3`,
	].join('\n');

	it("puts carrot's own lines, which are in UTC, and the task's, which are in the site's zone, on one clock", () => {
		const read = readRowLog(siteRow({ status: 'COMPLETED', log, utcOffset: -360, publishedAt }));
		expect(read.lines.map((line) => new Date(line.at).toISOString().slice(11, 23))).toEqual([
			'12:00:01.000',
			'12:00:02.500',
			'12:00:03.000',
		]);
		expect(read.lines[1]?.text).toBe('slow\nand more of it');
		expect(read.worker).toBe(name);
		expect(read.startedAt).toBe(publishedAt + 1_000);
	});

	it("is taken for a leftover when a failed row holds another task's start", () => {
		const read = readRowLog(siteRow({ status: 'FAILED', task: 'shop.tasks.gone', log, publishedAt }));
		expect(read).toEqual({ lines: [], worker: null, startedAt: null, stale: true });
	});

	it('is taken for a leftover when it began long before the message was published', () => {
		const later = publishedAt + 3_600_000;
		expect(readRowLog(siteRow({ status: 'FAILED', log, publishedAt: later })).stale).toBe(true);
		expect(readRowLog(siteRow({ status: 'COMPLETED', log, publishedAt: later })).stale).toBe(false);
	});

	it('in another layout is one line as it is', () => {
		const read = readRowLog(siteRow({ status: 'FAILED', log: 'just words', failedAt: 5 }));
		expect(read.lines).toEqual([{ at: 5, level: 'info', source: 'log', logger: 'carrot', text: 'just words' }]);
	});

	it('tells at which offset a site without zones writes', () => {
		const naive = { ...raw, log, completion_time: '2026-11-21T06:00:03.040', publish_time: '2026-11-21T06:00:00' };
		expect(learnOffset([{ ...naive, log: null }, naive])).toBe(-360);
		expect(learnOffset([raw, { ...naive, log: null }])).toBeNull();
		expect(read(naive, -360).publishedAt).toBe(publishedAt);
	});
});
