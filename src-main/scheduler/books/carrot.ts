/**
 * The book of a carrot site: its own schedules, through its monitor's REST API. The site's service runs them; Warren reads and writes
 * them. An entry's key is the row's number as text, so that a rename keeps it; names may be missing or repeated in old databases.
 */
import { createHash } from 'node:crypto';
import { carrotProblems } from '#main/dialects/carrot/schedule-check.ts';
import { definitionOfRow, fieldsOfDefinition, plainRow, remarksOfRow } from '#main/dialects/carrot/schedules.ts';
import type { Clock } from '#main/domain/clock.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import type {
	BookCapabilities,
	BookEntry,
	BookFact,
	BookReading,
	BookState,
	BookWrite,
	ScheduleDefinition,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type { SiteSchedule } from '#main/domain/site.ts';
import type { FieldProblem, ScheduleBook } from '../book.ts';
import { listSchedules } from './carrot-list.ts';
import { changeRow, createRow, findRow, type RowOutcome, removeRow } from './carrot-rows.ts';
import { CarrotWatch } from './carrot-watch.ts';
import type { SiteSchedules } from './site-schedules.ts';

export interface CarrotBookOptions {
	/** The site's client; it stays its owner's, and is not disposed of with the book. */
	readonly site: SiteSchedules;
	readonly clock: Clock;
}

/** What a carrot site can keep, whichever it is. */
export const CARROT_CAPABILITIES: BookCapabilities = {
	runBy: 'site',
	fields: ['name', 'task', 'queue', 'exchange', 'routingKey', 'recurrence', 'args', 'kwargs', 'active'],
	recurrences: ['every'],
	units: ['seconds', 'minutes', 'hours', 'days'],
	aligns: ['last-run'],
	renames: true,
	notes: [
		"The site's own service runs these schedules, and its monitor tells nothing of their runs: no last one, no next one.",
		'The first run comes one whole interval after a schedule was made or resumed, or the service was restarted: each restart starts all counts over. What is missed is not made up for.',
		'Intervals drift: a second of the service is one second and a bit, so each run comes later than the last one plus the interval.',
		"A run that cannot be published (broker away, task not importable) ends the schedule's thread for good, unseen. To revive it, pause it, wait two seconds, and resume it.",
		'Positional arguments arrive as text, cut at every comma. Keyword arguments keep their types.',
		"The monitor has no versions. Warren reads a schedule right before and right after each change, which finds other people's edits; only one of name, task, queue or interval, or of the very field that changes, made in the moment between that reading and the change is overwritten unseen. A removal takes whatever was edited in that moment with it: the site cannot be told to remove only what was read.",
		'Edits made elsewhere are found by reading the list every five seconds, at most three pages of 50 each time; on larger lists the pages in the middle take turns.',
	],
};

/** Makes the book of one site; nothing is sent until somebody reads, writes or listens. */
export function createCarrotBook(options: CarrotBookOptions): ScheduleBook {
	return new CarrotBook(options);
}

class CarrotBook implements ScheduleBook {
	readonly kind = 'carrot';
	readonly capabilities = CARROT_CAPABILITIES;
	readonly #site: SiteSchedules;
	readonly #clock: Clock;
	readonly #watch: CarrotWatch;
	/** Numbers by name, as last read: a single row does not tell of its namesakes. */
	#names: ReadonlyMap<string, readonly number[]> = new Map();
	/** Writes go one after another, or two of ours would not see each other. */
	#turn: Promise<unknown> = Promise.resolve();

	constructor({ site, clock }: CarrotBookOptions) {
		this.#site = site;
		this.#clock = clock;
		this.#watch = new CarrotWatch({ site, clock, versionOf });
	}

	state(): BookState {
		return this.#watch.state();
	}

	onState(listener: (state: BookState) => void): Disposable {
		return this.#watch.onState(listener);
	}

	onChange(listener: () => void): Disposable {
		return this.#watch.onChange(listener);
	}

	async read(signal?: AbortSignal): Promise<Result<BookReading>> {
		this.#watch.asking();
		const listed = await listSchedules(this.#site, signal);
		if (!listed.ok) {
			this.#watch.failed(listed.error);
			return listFailure(listed.error);
		}
		const { rows, broken } = listed.value;
		this.#watch.learn(rows, rows.length + broken.length);
		this.#watch.answered();
		const named = rows.filter((row) => row.name !== null && row.name !== '');
		const names = Map.groupBy(named, (row) => row.name ?? '');
		this.#names = new Map([...names].map(([name, alike]) => [name, alike.map((row) => row.id)]));
		return ok({
			at: this.#clock.now(),
			entries: rows.map((row) => this.#entry(row)),
			broken: broken.map(({ reason, raw }, index) => ({ key: `unreadable ${index + 1}`, name: '', reason, raw })),
			facts: factsOf(rows),
		});
	}

	async get(key: string): Promise<Result<BookEntry | null>> {
		const id = numberOf(key);
		if (id === null) return ok(null);
		this.#watch.asking();
		const found = await findRow(this.#site, id);
		this.#settle(found);
		if (!found.ok) return listFailure(found.error);
		return ok(found.value === null ? null : this.#entry(found.value));
	}

	write(write: BookWrite): Promise<Result<WriteOutcome>> {
		const done = this.#turn.then(() => this.#write(write));
		this.#turn = done.catch(() => undefined);
		return done;
	}

	async #write(write: BookWrite): Promise<Result<WriteOutcome>> {
		this.#watch.asking();
		const done = await this.#carryOut(write);
		this.#settle(done);
		if (!done.ok) return writeFailure(done.error);
		const outcome = done.value;
		if (outcome.kind === 'name-taken') return ok({ kind: 'name-taken', by: String(outcome.by.id) });
		const { row } = outcome;
		const entry = row === null ? null : this.#entry(row);
		if (outcome.kind === 'changed') return ok({ kind: 'changed', current: entry });
		if (entry !== null) this.#watch.note(Number(entry.key), entry.version);
		else if (write.kind === 'remove') this.#watch.note(Number(write.key), null);
		if (outcome.more) this.#watch.changed();
		return ok({ kind: 'written', entry });
	}

	async #carryOut(write: BookWrite): Promise<Result<RowOutcome>> {
		if (write.kind === 'create') {
			const fields = fieldsOfDefinition(write.definition);
			return fields.ok ? createRow(this.#site, fields.value) : fields;
		}
		const id = numberOf(write.key);
		if (id === null) return ok({ kind: 'changed', row: null });
		const expected = (row: SiteSchedule) => versionOf(row) === write.expect;
		if (write.kind === 'remove') return removeRow(this.#site, id, expected);
		const fields = fieldsOfDefinition(write.definition);
		return fields.ok ? changeRow(this.#site, id, expected, fields.value) : fields;
	}

	check(definition: ScheduleDefinition): readonly FieldProblem[] {
		return carrotProblems(definition);
	}

	async runNow(key: string): Promise<Result<void>> {
		const id = numberOf(key);
		const gone = () => fail('not-found', 'The site has no such schedule any more. Read the list again.');
		if (id === null) return gone();
		this.#watch.asking();
		const ran = await this.#site.runSchedule(id);
		this.#settle(ran);
		if (ran.ok) return ran;
		const { code, message, details } = ran.error;
		if (code === 'not-found') return gone();
		const status = details?.status;
		if (status === 500) {
			const why =
				'its queue is not in its settings, its task cannot be imported there, its arguments cannot be used, or its broker is away';
			return fail('refused', `${message} The site could not publish it: ${why}.`, { details: { ...details } });
		}
		if (details?.sent !== true && (typeof status !== 'number' || status < 502)) return ran;
		const words = 'It may run all the same, and is not asked for twice: look at the queue and the tasks first.';
		return fail(code === 'timeout' ? 'timeout' : 'unreachable', `${message} ${words}`, {
			retryable: false,
			details: { ...details, sent: true },
		});
	}

	async tasks(): Promise<Result<readonly string[] | null>> {
		this.#watch.asking();
		const choices = await this.#site.taskChoices();
		this.#settle(choices);
		return choices.ok ? choices : writeFailure(choices.error);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#watch[Symbol.asyncDispose]();
		await this.#turn;
	}

	/** A request about one thing says whether the site can be reached, not whether it refuses everything. */
	#settle(result: Result<unknown>): void {
		if (result.ok) this.#watch.answered();
		else if (result.error.code === 'unreachable' || result.error.code === 'timeout') this.#watch.failed(result.error);
	}

	#entry(row: SiteSchedule): BookEntry {
		const namesakes = (this.#names.get(row.name ?? '') ?? []).filter((id) => id !== row.id);
		return {
			key: String(row.id),
			version: versionOf(row),
			definition: definitionOfRow(row),
			changedAt: null,
			lastRunAt: null,
			nextRunAt: null,
			totalRuns: null,
			remarks: remarksOfRow(row, namesakes),
		};
	}
}

/** The API has no versions, so a row's fields are its version. */
function versionOf(row: SiteSchedule): string {
	return createHash('sha256')
		.update(JSON.stringify(Object.entries(plainRow(row))))
		.digest('hex')
		.slice(0, 32);
}

function numberOf(key: string): number | null {
	return /^[1-9]\d{0,14}$/.test(key) ? Number(key) : null;
}

function factsOf(rows: readonly SiteSchedule[]): readonly BookFact[] {
	const active = rows.filter((row) => row.active).length;
	const value = `the site's service, in ${active === 1 ? 'one thread' : `${active} threads`}; whether they live, its monitor does not tell`;
	return [{ label: 'Run by', value, tone: 'info' }];
}

/** A failure of reading, in the codes that books have. */
function listFailure(error: Failure): Result<never> {
	if (error.code === 'not-found') {
		const words =
			"There is no list of schedules at the monitor's address: the address is another one, or carrot is too old.";
		return fail('unsupported', words, { details: { ...error.details } });
	}
	return writeFailure(error);
}

function writeFailure(error: Failure): Result<never> {
	if (error.code !== 'undecodable' && error.code !== 'not-found') return { ok: false, error };
	return fail('unsupported', error.message, { details: { ...error.details } });
}
