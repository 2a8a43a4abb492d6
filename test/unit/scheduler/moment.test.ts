import { describe, expect, it } from 'vitest';
import { readMoment, showMoment } from '#main/scheduler/moment.ts';

const read = (text: string, zone = 'UTC') => {
	const moment = readMoment(text, zone);
	return moment.ok ? new Date(moment.value).toISOString() : null;
};

describe('a time that somebody typed', () => {
	it('is the wall clock of the zone unless it has an offset', () => {
		expect(read('2026-12-24T18:00', 'Europe/Berlin')).toBe('2026-12-24T17:00:00.000Z');
		expect(read('2026-12-24 18:00:30', 'America/New_York')).toBe('2026-12-24T23:00:30.000Z');
		expect(read('2026-12-24', 'Asia/Tokyo')).toBe('2026-12-23T15:00:00.000Z');
		expect(read('2026-12-24T18:00+02:00', 'Asia/Tokyo')).toBe('2026-12-24T16:00:00.000Z');
		expect(read('2026-12-24T18:00Z', 'Asia/Tokyo')).toBe('2026-12-24T18:00:00.000Z');
		expect(read('1795543200000')).toBe('2026-11-24T18:00:00.000Z');
	});

	it('in a clock change is the moment after the gap, or the first of two', () => {
		expect(read('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z');
		expect(read('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
	});

	it('is refused when there is no such time', () => {
		for (const text of ['', 'tomorrow', '2026-02-30', '2026-13-01', '2026-01-01T25:00', '2026-01-01T10:61']) {
			expect(read(text), text).toBeNull();
		}
	});

	it('is shown as the wall clock again', () => {
		expect(showMoment(Date.parse('2026-12-24T17:00:00Z'), 'Europe/Berlin')).toBe('2026-12-24T18:00:00');
	});
});
