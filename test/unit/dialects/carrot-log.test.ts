import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLogLines, parseLog, parseLogLine } from '#main/dialects/carrot/log-lines.ts';
import { LOG_LEVELS, type LogLevel, type LogLine } from '#main/domain/task.ts';

const AT = Date.UTC(2026, 10, 21, 7, 5, 9, 45);
const line = (text: string, level: LogLevel = 'info'): LogLine => ({
	at: AT,
	level,
	source: 'log',
	logger: 'carrot',
	text,
});

describe('carrot’s log layout', () => {
	it('writes name, time, level and message as carrot does', () => {
		expect(formatLogLines([line('Starting task app.tasks.add')], 'default-consumer-1')).toBe(
			'default-consumer-1 2026-11-21 07:05:09,045 INFO:: Starting task app.tasks.add',
		);
		expect(formatLogLines([line('x', 'warning')], 'q', 60)).toBe('q          2026-11-21 08:05:09,045 WARNING:: x');
	});

	it('reads a line apart', () => {
		expect(parseLogLine('default-consumer-12 2026-11-21 07:05:09,045 ERROR:: it: a::b')).toEqual({
			thread: 'default-consumer-12',
			clock: AT,
			level: 'error',
			text: 'it: a::b',
		});
		expect(parseLogLine('q          2026-11-21 07:05:09,045 Level 35:: x')?.level).toBe('warning');
		expect(parseLogLine('q          2026-11-21 07:05:09,045 DEBUG::')?.text).toBe('');
	});

	it('takes lines without the layout for what they are', () => {
		for (const text of [
			'',
			'Traceback (most recent call last):',
			'2026-11-21 07:05:09 INFO: x',
			'  File "a.py", line 1',
		]) {
			expect(parseLogLine(text)).toBeNull();
		}
	});

	it('joins the lines of one record, and keeps what comes before the first', () => {
		const log = `odd\n${formatLogLines([line('one\ntwo\n\nthree'), line('four')], 'q')}`;
		expect(parseLog(log)).toMatchObject({ lead: 'odd', records: [{ text: 'one\ntwo\n\nthree' }, { text: 'four' }] });
	});

	it('reads what it writes', () => {
		const lines = fc.array(
			fc.record({
				at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
				level: fc.constantFrom(...(Object.keys(LOG_LEVELS) as LogLevel[])),
				source: fc.constant('log' as const),
				logger: fc.constant(null),
				text: fc.string({ unit: 'grapheme' }),
			}),
			{ minLength: 1, maxLength: 5 },
		);
		fc.assert(
			fc.property(lines, fc.constantFrom('q', 'default-consumer-3', 'two words'), (given, thread) => {
				const { lead, records } = parseLog(formatLogLines(given, thread));
				expect(lead).toBe('');
				expect(records).toEqual(given.map(({ at, level, text }) => ({ thread, clock: at, level, text })));
			}),
		);
	});
});
