/**
 * django-carrot's log layout, which its monitor page expects in a row's `log`: thread name padded to ten, a space,
 * `YYYY-MM-DD HH:MM:SS,mmm`, a space, the level, `:: `, the message. A record of several lines goes on without a prefix.
 */
import { LOG_LEVELS, type LogLevel, type LogLine } from '#main/domain/task.ts';

/** A line as it was read. */
export interface ParsedLogLine {
	readonly thread: string;
	/** Epoch ms of the time as printed, taken as UTC. The layout has no zone: subtract the writer's offset. */
	readonly clock: number;
	readonly level: LogLevel;
	readonly text: string;
}

const LINE = /^(.*?) +(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}),(\d{3}) ([A-Za-z]\w*|Level \d+):: ?([\s\S]*)$/;

/**
 * Lines in carrot's layout, joined by newlines. Times are printed at `utcOffsetMinutes` east of UTC (0: UTC, which is what
 * carrot uses for its own first and last line; the others are in the project's zone).
 */
export function formatLogLines(lines: readonly LogLine[], thread: string, utcOffsetMinutes = 0): string {
	return lines
		.map((line) => {
			const time = new Date(line.at + utcOffsetMinutes * 60_000).toISOString();
			const printed = `${time.slice(0, 10)} ${time.slice(11, 19)},${time.slice(20, 23)}`;
			return `${thread.padEnd(10)} ${printed} ${line.level.toUpperCase()}:: ${line.text}`;
		})
		.join('\n');
}

/** One line of the layout, or null for a continuation line and anything else. */
export function parseLogLine(line: string): ParsedLogLine | null {
	const found = LINE.exec(line);
	if (found === null) return null;
	const [, thread = '', year, month, day, hour, minute, second, ms, level = '', text = ''] = found;
	const [y = 0, mo = 1, d = 1, h = 0, mi = 0, s = 0, milli = 0] = [year, month, day, hour, minute, second, ms].map(
		Number,
	);
	return { thread, clock: Date.UTC(y, mo - 1, d, h, mi, s, milli), level: levelOf(level), text };
}

/** A whole log: each record with its continuation lines joined to it. What stands before the first record is dropped to `lead`. */
export function parseLog(log: string): { readonly lead: string; readonly records: readonly ParsedLogLine[] } {
	const lead: string[] = [];
	const records: { head: ParsedLogLine; more: string[] }[] = [];
	for (const line of log.split('\n')) {
		const head = parseLogLine(line);
		const last = records.at(-1);
		if (head !== null) records.push({ head, more: [] });
		else if (last !== undefined) last.more.push(line);
		else if (line !== '') lead.push(line);
	}
	return {
		lead: lead.join('\n'),
		records: records.map(({ head, more }) =>
			more.length === 0 ? head : { ...head, text: [head.text, ...more].join('\n') },
		),
	};
}

/** Python's five names, its old spellings, and `Level N` for numbers between them (the nearest at or below). */
function levelOf(word: string): LogLevel {
	const lower = word.toLowerCase();
	if (Object.hasOwn(LOG_LEVELS, lower)) return lower as LogLevel;
	if (lower === 'warn') return 'warning';
	if (lower === 'fatal') return 'critical';
	const number = Number(/^level (\d+)$/.exec(lower)?.[1] ?? LOG_LEVELS.info);
	const names: readonly LogLevel[] = ['critical', 'error', 'warning', 'info'];
	return names.find((name) => LOG_LEVELS[name] <= number) ?? 'debug';
}
