import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConsoleLine } from '../../../src-main/domain/consumer.ts';
import { consoleText, plainTerminalText, safeTerminalText } from '../../../src-renderer/components/terminal-text.ts';
import { RUNS } from './runs.ts';

const ESC = '\u001b';
const line = (text: string, more: Partial<ConsoleLine> = {}): ConsoleLine => ({
	at: Date.UTC(2026, 10, 21, 12),
	level: 'info',
	source: 'log',
	logger: 'orders',
	text,
	taskId: null,
	attemptId: null,
	taskName: null,
	slot: null,
	...more,
});

describe('text for the terminal', () => {
	it('keeps colours and closes them', () => {
		expect(safeTerminalText(`${ESC}[1;31mred${ESC}[0m and ${ESC}[38;5;208morange`)).toBe(
			`${ESC}[1;31mred${ESC}[0m and ${ESC}[38;5;208morange${ESC}[0m`,
		);
	});

	it('loses what writes to the clipboard, the title, links, the cursor and the screen', () => {
		for (const sequence of [
			`${ESC}]52;c;cm0gLXJmIC8=\u0007`,
			`${ESC}]52;c;cm0gLXJmIC8=${ESC}\\`,
			`\u009d52;c;cm0gLXJmIC8=\u009c`,
			`${ESC}]0;title\u0007`,
			`${ESC}]8;;https://evil.example\u0007`,
			`${ESC}[2J`,
			`${ESC}[10;10H`,
			`\u009b2J`,
			`${ESC}[?1049h`,
			`${ESC}[>4;1m`,
			`${ESC}[1 q`,
			`${ESC}c`,
			`${ESC}(0`,
			`${ESC}Pq#0${ESC}\\`,
			`${ESC}_app${ESC}\\`,
			`${ESC}^pm\u0007`,
			'\u0085',
			'\u0084',
		]) {
			expect(safeTerminalText(`a${sequence}b`)).toBe('ab');
		}
	});

	it('keeps the words of a link, without the link', () => {
		expect(safeTerminalText(`${ESC}]8;;https://evil.example${ESC}\\click${ESC}]8;;${ESC}\\`)).toBe('click');
	});

	it('lets nothing blink and nothing hide', () => {
		expect(safeTerminalText(`${ESC}[5;8mx`)).toBe('x');
		expect(safeTerminalText(`${ESC}[5;31mx`)).toBe(`${ESC}[31mx${ESC}[0m`);
	});

	it('does not take the 5 of a 256-colour for blinking, and turns true colours into one of the 256', () => {
		expect(safeTerminalText(`${ESC}[48;5;8mx`)).toContain('48;5;8');
		expect(safeTerminalText(`${ESC}[38;2;255;0;0mx`)).toContain('38;5;196');
		expect(safeTerminalText(`${ESC}[38:2:128:128:128mx`)).toContain('38;5;244');
	});

	it('does not let an unfinished string swallow the next line', () => {
		expect(safeTerminalText(`a${ESC}]0;never ends\nnext line`)).toBe('a\nnext line');
	});

	it('shows control characters, and characters that turn text round', () => {
		expect(safeTerminalText('a\u0007b\u0008c\u202ed')).toBe('a␇b␈c‹U+202E›d');
	});

	it('puts what a lone carriage return would write over on a row of its own', () => {
		expect(safeTerminalText('10 %\r20 %\r\ndone')).toBe('10 %\n20 %\ndone');
	});

	it('never holds a control but newline, tab and a colour, whatever came in', () => {
		const nasty = fc.array(
			fc.oneof(
				fc.constantFrom(
					ESC,
					'[',
					']',
					'52;c;',
					'\u009b',
					'\u009d',
					'\u0007',
					'\\',
					'm',
					'31',
					';',
					'P',
					'\r',
					'\n',
					'?',
					'J',
				),
				fc.string(),
			),
			{ maxLength: 40 },
		);
		fc.assert(
			fc.property(nasty, (parts) => {
				// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what it is about
				const rest = safeTerminalText(parts.join('')).replaceAll(/\u001b\[[\d;]*m/g, '');
				// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
				expect(rest).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
			}),
			{ numRuns: RUNS },
		);
	});

	it('reads the same with and without its colours', () => {
		fc.assert(
			fc.property(fc.string(), (text) => {
				// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what it is about
				expect(plainTerminalText(text)).toBe(safeTerminalText(text).replaceAll(/\u001b\[[\d;]*m/g, ''));
			}),
			{ numRuns: RUNS },
		);
	});
});

describe('a line of the console', () => {
	const plain = (text: string): string => plainTerminalText(text);

	it('says when, how grave, where from and what', () => {
		expect(plain(consoleText(line('paid', { level: 'warning', taskName: 'orders.tasks.pay', slot: '2' })))).toMatch(
			/^\d\d:00:00\.000 WARNING {2}orders\.tasks\.pay 2 {2}paid\n$/,
		);
	});

	it('marks every further row, so that none can pass for a line of its own', () => {
		const rows = plain(consoleText(line('first\n12:00:00.000 INFO     admin  all is well\rthird')))
			.trimEnd()
			.split('\n');
		expect(rows).toHaveLength(3);
		expect(rows[1]).toBe('  │ 12:00:00.000 INFO     admin  all is well');
		expect(rows[2]).toBe('  │ third');
	});

	it('tells the output streams from the log', () => {
		expect(plain(consoleText(line('x', { source: 'stderr', logger: null })))).toContain('stderr');
		expect(plain(consoleText(line('x', { source: 'stdout', logger: null })))).toContain('stdout');
	});

	it('cuts a line that would fill the screen for minutes, and says so', () => {
		expect(plain(consoleText(line('x'.repeat(50_000))))).toContain('… 30000 more characters');
	});
});
