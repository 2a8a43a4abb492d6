/**
 * Changing rows of a site whose API knows no versions: each is read right before it is changed and right after, and fields that need
 * not be sent are sent only where they change. What that cannot see is somebody else's edit of a field that is sent (name, task, queue
 * and interval always are) between the first reading and the change, which is the next request.
 */
import { nameOfRow, plainRow } from '#main/dialects/carrot/schedules.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import type { ScheduleField } from '#main/domain/schedule.ts';
import type { SiteSchedule, SiteScheduleEdit, SiteScheduleFields } from '#main/domain/site.ts';
import type { FieldProblem } from '../book.ts';
import { listSchedules } from './carrot-list.ts';
import type { SiteSchedules } from './site-schedules.ts';

/** What became of a change of a row. */
export type RowOutcome =
	/**
	 * In force. `row` is as it was written, null after a removal; `more`: somebody else changed other fields of it meanwhile, which is for
	 * the next reading to tell.
	 */
	| { readonly kind: 'written'; readonly row: SiteSchedule | null; readonly more: boolean }
	/** Not in force: it is another one by now; null: gone. */
	| { readonly kind: 'changed'; readonly row: SiteSchedule | null }
	| { readonly kind: 'name-taken'; readonly by: SiteSchedule };

type Field = keyof SiteScheduleFields;

/** A row; null: carrot says that there is none. A server that does not know the address at all is no such answer. */
export async function findRow(
	site: Pick<SiteSchedules, 'schedule'>,
	id: number,
	signal?: AbortSignal,
): Promise<Result<SiteSchedule | null>> {
	const read = await site.schedule(id, signal);
	return !read.ok && isGone(read.error) ? ok(null) : read;
}

/** Makes a row. One that is there already with every field the same is taken for it: an answer to making it was lost. */
export async function createRow(site: SiteSchedules, fields: SiteScheduleFields): Promise<Result<RowOutcome>> {
	const made = await site.addSchedule(fields);
	if (made.ok) return ok({ kind: 'written', row: made.value, more: false });
	if (hasProblem(made.error, 'task_name')) return nameRefused(site, made.error, fields, null);
	const fate = fateOf(made.error);
	if (fate === 'no') return refused(made.error, fields);
	const listed = await listSchedules(site);
	if (!listed.ok) return unsure(made.error);
	const same = listed.value.rows.findLast((row) => isOf(row, fields));
	if (same !== undefined) return ok({ kind: 'written', row: same, more: false });
	const other = listed.value.rows.find((row) => row.name === fields.name);
	if (other !== undefined) return ok({ kind: 'name-taken', by: other });
	return fate === 'over' ? undone(made.error, 'Nothing was made') : unsure(made.error);
}

/** Changes a row that is still as `expected` says. */
export async function changeRow(
	site: SiteSchedules,
	id: number,
	expected: (row: SiteSchedule) => boolean,
	fields: SiteScheduleFields,
): Promise<Result<RowOutcome>> {
	const read = await findRow(site, id);
	if (!read.ok) return read;
	const before = read.value;
	if (before === null || !expected(before)) return ok({ kind: 'changed', row: before });
	if (!before.keepsName && fields.name !== nameOfRow(before)) {
		return invalid([
			{ field: 'name', message: 'This release of carrot keeps no names (before 1.2): leave it as it is.' },
		]);
	}
	const wanted = before.keepsName ? fields : { ...fields, name: before.name ?? '' };
	const own = differing(before, wanted);
	if (own.length === 0) return ok({ kind: 'written', row: before, more: false });
	const sent = await site.editSchedule(id, editOf(fields, own));
	if (!sent.ok) {
		if (isGone(sent.error)) return ok({ kind: 'changed', row: null });
		if (hasProblem(sent.error, 'task_name')) return nameRefused(site, sent.error, fields, id);
		if (fateOf(sent.error) === 'no') return refused(sent.error, fields);
	} else {
		const ignored = own.filter((field) => plainRow(sent.value)[field] === plainRow(before)[field]);
		if (ignored.length > 0) return invalid(ignored.map(ignoredProblem));
	}
	const after = await findRow(site, id);
	if (!after.ok) return sent.ok ? ok({ kind: 'written', row: sent.value, more: false }) : unsure(sent.error);
	if (after.value === null) return ok({ kind: 'changed', row: null });
	// A site may keep a value in a form of its own, which its answer shows.
	const others = [wanted, sent.ok ? sent.value : wanted].map((one) => differing(after.value ?? before, one));
	if (own.every((field) => others.some((unlike) => !unlike.includes(field)))) {
		const more = differing(before, after.value).some((field) => !own.includes(field));
		return ok({ kind: 'written', row: more ? { ...before, ...wanted } : after.value, more });
	}
	if (sent.ok || !expected(after.value)) return ok({ kind: 'changed', row: after.value });
	return fateOf(sent.error) === 'over' ? undone(sent.error, 'Nothing was changed') : unsure(sent.error);
}

/** Removes a row that is still as `expected` says. */
export async function removeRow(
	site: SiteSchedules,
	id: number,
	expected: (row: SiteSchedule) => boolean,
): Promise<Result<RowOutcome>> {
	const before = await findRow(site, id);
	if (!before.ok) return before;
	if (before.value === null || !expected(before.value)) return ok({ kind: 'changed', row: before.value });
	const sent = await site.removeSchedule(id);
	if (!sent.ok && isGone(sent.error)) return ok({ kind: 'changed', row: null });
	if (!sent.ok && fateOf(sent.error) === 'no') return sent;
	const after = await findRow(site, id);
	if (!after.ok) return sent.ok ? ok({ kind: 'written', row: null, more: false }) : unsure(sent.error);
	if (after.value === null) return ok({ kind: 'written', row: null, more: false });
	// Somebody else's change was being saved meanwhile, and saving puts a row back.
	if (sent.ok) return ok({ kind: 'changed', row: after.value });
	return fateOf(sent.error) === 'over' ? undone(sent.error, 'Nothing was removed') : unsure(sent.error);
}

/** What a change that failed came to. no: nothing. over: it may have been made, and is over. open: it may still be under way. */
function fateOf(error: Failure): 'no' | 'over' | 'open' {
	const status = error.details?.status;
	if (error.code === 'undecodable') return 'over';
	if (typeof status !== 'number') return error.details?.sent === true ? 'open' : 'no';
	if (status < 400 || status === 500 || status === 501) return 'over';
	// A proxy that lost patience does not tell the site to stop.
	return status > 501 || status === 408 ? 'open' : 'no';
}

function unsure(error: Failure): Result<never> {
	const code = error.code === 'timeout' ? 'timeout' : 'unreachable';
	const words = 'Whether it was done is not known yet: reading the schedules again tells.';
	return fail(code, `${error.message} ${words}`, { details: { ...error.details, sent: true } });
}

function undone(error: Failure, what: string): Result<never> {
	const words = `${what}: the site was asked again to see.`;
	return fail('refused', `${error.message} ${words}`, { details: { ...error.details, sent: false } });
}

function isGone(error: Failure): boolean {
	return error.code === 'not-found' && error.details?.answered !== false;
}

/** The site's complaint about a name: taken by whom, as far as that can be found. It is written in the site's own language. */
async function nameRefused(
	site: SiteSchedules,
	error: Failure,
	fields: SiteScheduleFields,
	own: number | null,
): Promise<Result<RowOutcome>> {
	const listed = await listSchedules(site);
	if (!listed.ok) return refused(error, fields);
	const others = listed.value.rows.filter((row) => row.id !== own);
	const same = own === null ? others.findLast((row) => differing(row, fields).length === 0) : undefined;
	if (same !== undefined) return ok({ kind: 'written', row: same, more: false });
	// Some databases do not tell upper from lower case here.
	const lower = fields.name.toLowerCase();
	const by = others.find((row) => row.name === fields.name) ?? others.find((row) => row.name?.toLowerCase() === lower);
	return by === undefined ? refused(error, fields) : ok({ kind: 'name-taken', by });
}

/** Whether a row is what these fields made, also where its release keeps no names. */
function isOf(row: SiteSchedule, fields: SiteScheduleFields): boolean {
	return differing(row, fields).every((field) => field === 'name' && !row.keepsName);
}

const FIELDS: Readonly<Record<string, ScheduleField>> = {
	task_name: 'name',
	task: 'task',
	queue: 'queue',
	exchange: 'exchange',
	routing_key: 'routingKey',
	interval_type: 'recurrence',
	interval_count: 'recurrence',
	task_args: 'args',
	content: 'kwargs',
	active: 'active',
};

/** A refusal with the site's complaints at their fields. */
function refused(error: Failure, fields: SiteScheduleFields): Result<never> {
	if (error.code === 'not-found') {
		return fail('unsupported', 'This site takes no new schedules: its release of carrot has no such address.');
	}
	const problems = problemsIn(error).flatMap((problem): FieldProblem[] => {
		const field = Object.hasOwn(FIELDS, problem.field) ? FIELDS[problem.field] : undefined;
		return field === undefined ? [] : [{ field, message: wordsOf(problem, fields) }];
	});
	if (error.code !== 'invalid-input' || problems.length === 0) return { ok: false, error };
	return fail('invalid-input', error.message, { details: { ...error.details, problems } });
}

function wordsOf(problem: SiteProblem, fields: SiteScheduleFields): string {
	const said = `The site says: ${problem.message}`;
	return problem.field === 'task'
		? `${said} It only schedules tasks of its own list (its setting task_modules), and ${fields.task} is not one of them.`
		: said;
}

interface SiteProblem {
	readonly field: string;
	readonly message: string;
}

function problemsIn(error: Failure): readonly SiteProblem[] {
	const problems = error.details?.problems;
	return Array.isArray(problems) ? (problems as readonly SiteProblem[]) : [];
}

function hasProblem(error: Failure, field: string): boolean {
	return error.code === 'invalid-input' && problemsIn(error).some((problem) => problem.field === field);
}

function invalid(problems: readonly FieldProblem[]): Result<never> {
	return fail('invalid-input', problems.map((problem) => problem.message).join(' '), { details: { problems } });
}

function ignoredProblem(field: Field): FieldProblem {
	const name = KEPT[field];
	return { field: name, message: `The site took the change and kept its own ${name} all the same.` };
}

const KEPT: Readonly<Record<Field, ScheduleField>> = {
	name: 'name',
	task: 'task',
	queue: 'queue',
	exchange: 'exchange',
	routingKey: 'routingKey',
	intervalCount: 'recurrence',
	intervalType: 'recurrence',
	argsText: 'args',
	content: 'kwargs',
	active: 'active',
};

type Comparable = Parameters<typeof plainRow>[0];

/** Fields in which two rows differ, or a row and what it is to be. */
function differing(one: Comparable, other: Comparable): readonly Field[] {
	const [a, b] = [plainRow(one), plainRow(other)];
	return (Object.keys(KEPT) as Field[]).filter((field) => a[field] !== b[field]);
}

/** What is sent: the fields that the site wants every time, and of the others those that change. */
function editOf(fields: SiteScheduleFields, changing: readonly Field[]): SiteScheduleEdit {
	const { name, task, queue, intervalCount, intervalType } = fields;
	const others = (['exchange', 'routingKey', 'argsText', 'content', 'active'] as const).filter((field) =>
		changing.includes(field),
	);
	return {
		name,
		task,
		queue,
		intervalCount,
		intervalType,
		...Object.fromEntries(others.map((field) => [field, fields[field]])),
	};
}
