import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	absoluteTime,
	age,
	bytes,
	clockTime,
	compactCount,
	counted,
	duration,
	grouped,
	middleTruncate,
	relativeTime,
} from '../../../src-renderer/components/format.ts';

describe('numbers', () => {
	it('stand with their thousands apart', () => {
		expect([grouped(0), grouped(1284), grouped(1_000_000)]).toEqual(['0', '1,284', '1,000,000']);
	});
	it('are shortened only from ten thousand on, and never rounded up', () => {
		expect(
			[9_999, 10_000, 98_299, 999_999, 1_000_000, 1_260_000, 123_456_789, 2_500_000_000].map(compactCount),
		).toEqual(['9,999', '10.0k', '98.2k', '999k', '1.0M', '1.2M', '123M', '2.5G']);
		expect(compactCount(Number.NaN)).toBe('–');
	});
	it('go with their word', () => {
		expect([counted(1, 'task'), counted(287, 'task'), counted(0, 'retry', 'retries')]).toEqual([
			'1 task',
			'287 tasks',
			'0 retries',
		]);
	});
});

describe('lengths of time', () => {
	it('have the unit that fits them', () => {
		expect([0, 0.42, 220, 999.6, 1_840, 12_340, 125_000, 3_600_000, 12_000_000, 360_000_000].map(duration)).toEqual([
			'0 ms',
			'0.4 ms',
			'220 ms',
			'1.00 s',
			'1.84 s',
			'12.3 s',
			'2 min 5 s',
			'1 h',
			'3 h 20 min',
			'4 d 4 h',
		]);
	});
	it('are a dash where nobody knows', () => {
		expect(duration(null)).toBe('–');
	});
	it('never show sixty of anything', () => {
		fc.assert(
			fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (ms) => {
				expect(duration(ms)).not.toMatch(/\b(60|1000)(\.0+)? (s|min|ms)\b/);
			}),
		);
	});
});

describe('moments', () => {
	const now = Date.UTC(2026, 10, 21, 12, 0, 0);
	it('are told against now, in one unit, both ways', () => {
		expect(
			[500, 12_000, 360_000, 3 * 3_600_000, 9 * 86_400_000, 800 * 86_400_000].map((ms) => relativeTime(now - ms, now)),
		).toEqual(['now', '12 s ago', '6 min ago', '3 h ago', '9 d ago', '2 y ago']);
		expect(relativeTime(now + 12_000, now)).toBe('in 12 s');
		expect(age(now - 4 * 3_600_000, now)).toBe('4 h');
	});
	it('are told in full with their zone', () => {
		expect(absoluteTime(now)).toMatch(/^Sat 21 Nov 2026, \d\d:\d\d:00\.000 UTC/);
		expect(clockTime(now + 250)).toMatch(/:00\.250$/);
		expect(absoluteTime(Number.NaN)).toBe('not a time');
	});
});

describe('sizes', () => {
	it('are binary and say so', () => {
		expect([0, 812, 1024, 1536, 50 * 1024 * 1024].map(bytes)).toEqual(['0 B', '812 B', '1 KiB', '1.5 KiB', '50 MiB']);
	});
});

describe('cutting in the middle', () => {
	it('keeps both ends', () => {
		expect(middleTruncate('7b0e2c1a-93f4-4f0e-9a51-0c6d1be2a871', 13)).toBe('7b0e2c…e2a871');
	});
	it('never makes a text longer than asked for, and never cuts a character in two', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 3, max: 40 }), (text, length) => {
				const cut = middleTruncate(text, length);
				expect(Array.from(cut).length).toBeLessThanOrEqual(Math.max(length, 3));
				expect(cut.isWellFormed()).toBe(text.isWellFormed());
			}),
		);
	});
});
