/**
 * The site's JSON as domain types. Field by field: what is not named here does not come in, `virtual_host` above all, which shows
 * the broker's user and password to everybody who may read the monitor.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SiteRow, SiteRowStatus, SiteSchedule } from '#main/domain/site.ts';
import { offsetFromLog } from './row-log.ts';

type Fields = Readonly<Record<string, unknown>>;

const STATUSES: readonly string[] = ['PUBLISHED', 'IN_PROGRESS', 'FAILED', 'COMPLETED'] satisfies SiteRowStatus[];

/** How the site's times are to be read. */
export interface TimeReading {
	/** Minutes east of UTC for times that carry no zone; null: not known, they are taken as UTC. */
	readonly naiveOffset: number | null;
}

/** A page as the site cut it. */
export interface RawPage {
	readonly count: number;
	readonly more: boolean;
	readonly results: readonly unknown[];
}

/** Reads the envelope of a list. */
export function readPage(answer: unknown): Result<RawPage> {
	const fields = fieldsOf(answer);
	const count = fields?.count;
	const results = fields?.results;
	if (typeof count !== 'number' || !Array.isArray(results)) {
		return fail('undecodable', "The answer is no list of carrot's monitor. Check the address in the profile.");
	}
	return ok({ count, more: fields?.next !== null && fields?.next !== undefined, results });
}

/** Reads one message row. Fails (`undecodable`) when it lacks what every row has. */
export function readRow(answer: unknown, times: TimeReading): Result<SiteRow> {
	const fields = fieldsOf(answer);
	if (fields === null) return fail('undecodable', 'A row is no object.');
	const { id, uuid, status, task } = fields;
	if (typeof id !== 'number' || !Number.isSafeInteger(id)) return fail('undecodable', 'A row has no id.');
	if (typeof status !== 'string' || !STATUSES.includes(status)) {
		return fail('undecodable', `Row ${id} has the status ${shown(status)}, which carrot does not know.`);
	}
	const published = readTime(fields.publish_time);
	const failed = readTime(fields.failure_time);
	const completed = readTime(fields.completion_time);
	const offset = [completed, failed, published].find((time) => time !== null)?.offset ?? times.naiveOffset;
	const moment = (time: Clock | null) =>
		time === null ? null : time.clock - (time.offset ?? times.naiveOffset ?? 0) * 60_000;
	return ok({
		id,
		uuid: typeof uuid === 'string' ? uuid : '',
		status: status as SiteRowStatus,
		task: typeof task === 'string' ? task : '',
		queue: text(fields.queue),
		exchange: text(fields.exchange),
		routingKey: text(fields.routing_key),
		priority: typeof fields.priority === 'number' ? fields.priority : 0,
		argsText: text(fields.task_args),
		content: text(fields.content),
		exception: text(fields.exception),
		traceback: text(fields.traceback),
		output: text(fields.output),
		log: text(fields.log),
		publishedAt: moment(published),
		failedAt: moment(failed),
		completedAt: moment(completed),
		utcOffset: offset ?? null,
	});
}

/** What rows without zones tell of the site's clock; null: nothing. */
export function learnOffset(answers: readonly unknown[]): number | null {
	for (const answer of answers) {
		const fields = fieldsOf(answer);
		const completed = readTime(fields?.completion_time);
		if (completed === null || completed.offset !== null) continue;
		const offset = offsetFromLog(text(fields?.log), completed.clock);
		if (offset !== null) return offset;
	}
	return null;
}

const UNIT_MS: Readonly<Record<string, number>> = {
	seconds: 1_000,
	minutes: 60_000,
	hours: 3_600_000,
	days: 86_400_000,
};

/** Reads one schedule. Fails (`undecodable`) when it lacks what every schedule has. */
export function readSchedule(answer: unknown): Result<SiteSchedule> {
	const fields = fieldsOf(answer);
	if (fields === null) return fail('undecodable', 'A schedule is no object.');
	const { id, task, interval_count: count } = fields;
	if (typeof id !== 'number' || !Number.isSafeInteger(id)) return fail('undecodable', 'A schedule has no id.');
	if (typeof task !== 'string') return fail('undecodable', `Schedule ${id} names no task.`);
	const intervalType = text(fields.interval_type) ?? 'seconds';
	const intervalCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 1;
	return ok({
		id,
		name: text(fields.task_name),
		keepsName: Object.hasOwn(fields, 'task_name'),
		task,
		queue: text(fields.queue),
		exchange: text(fields.exchange),
		routingKey: text(fields.routing_key),
		intervalCount,
		intervalType,
		argsText: text(fields.task_args),
		content: scheduleContent(text(fields.content)),
		active: fields.active === true,
		// Units that carrot does not know count as seconds in its scheduler.
		intervalMs:
			Math.max(1, intervalCount) * (Object.hasOwn(UNIT_MS, intervalType) ? (UNIT_MS[intervalType] ?? 1_000) : 1_000),
	});
}

/** carrot's own helper stores the JSON string `"{}"`, quotes included, for "no keyword arguments". */
function scheduleContent(content: string | null): string | null {
	if (content === null || content.trim() === '') return null;
	return /^\s*"(?:[^"\\]|\\.)*"\s*$/.test(content) ? null : content;
}

/** What a refused change says, field by field, in the site's words. */
export function readProblems(answer: unknown): readonly { readonly field: string; readonly message: string }[] {
	const fields = fieldsOf(answer);
	if (fields === null) return [];
	return Object.entries(fields)
		.slice(0, 20)
		.map(([field, said]) => ({
			field: field.slice(0, 100),
			message: (Array.isArray(said) ? said.map(String).join(' ') : String(said)).slice(0, 500),
		}));
}

interface Clock {
	/** Epoch ms of the time as printed, taken as UTC. */
	readonly clock: number;
	/** Minutes east of UTC; null: not printed. */
	readonly offset: number | null;
}

const TIME = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/;

function readTime(value: unknown): Clock | null {
	const found = typeof value === 'string' ? TIME.exec(value) : null;
	if (found === null) return null;
	const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found
		.slice(1, 7)
		.map((part) => Number(part ?? 0));
	const ms = Math.trunc(Number(`0.${found[7] ?? '0'}`) * 1000);
	const clock = Date.UTC(year, month - 1, day, hour, minute, second, ms);
	const zone = found[8];
	if (zone === undefined) return { clock, offset: null };
	if (zone === 'Z') return { clock, offset: 0 };
	const digits = zone.replace(/\D/g, '');
	const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
	return { clock, offset: zone.startsWith('-') ? -minutes : minutes };
}

function fieldsOf(answer: unknown): Fields | null {
	return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? (answer as Fields) : null;
}

function text(value: unknown): string | null {
	return typeof value === 'string' ? value : null;
}

function shown(value: unknown): string {
	return (JSON.stringify(value) ?? 'undefined').slice(0, 60);
}
