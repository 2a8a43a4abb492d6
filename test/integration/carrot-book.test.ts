import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '#main/domain/clock.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { BookEntry, BookReading, ScheduleDefinition, WriteOutcome } from '#main/domain/schedule.ts';
import { NEW_SCHEDULE } from '#main/domain/schedule.ts';
import { createSiteClient } from '#main/monitor/carrot-site/client.ts';
import type { SiteCredentials } from '#main/monitor/carrot-site/session.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { createCarrotBook } from '#main/scheduler/books/carrot.ts';
import { CANARY } from '#test/support/carrot-site/answers.ts';
import { type StandInOptions, type StandInSite, startStandIn } from '#test/support/carrot-site/server.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { waitFor } from '#test/support/wait.ts';

const stack: (AsyncDisposable | Disposable)[] = [];
afterEach(async () => {
	for (const one of stack.splice(0).toReversed()) {
		if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]();
		else one[Symbol.dispose]();
	}
});

interface Opened {
	readonly site: StandInSite;
	readonly book: ScheduleBook;
	/** Requests so far, and forgets them. */
	asked(): readonly string[];
}

async function open(
	options: StandInOptions = {},
	more: { readonly login?: SiteCredentials; readonly deadlineMs?: number; readonly clock?: Clock } = {},
): Promise<Opened> {
	const site = await startStandIn(options);
	const client = createSiteClient({
		base: site.url,
		tls: null,
		credentials: async () => ok(more.login ?? null),
		clock: systemClock,
		agent: 'Warren test',
		limits: more.deadlineMs === undefined ? {} : { deadlineMs: more.deadlineMs },
	});
	const book = createCarrotBook({ site: client, clock: more.clock ?? systemClock });
	stack.push(site, client, book);
	const path = /\/carrot\/api\/scheduled-tasks\//;
	return { site, book, asked: () => site.requests.splice(0).map((one) => one.replace(path, '')) };
}

function value<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
	return result.value;
}
function failure(result: Result<unknown>): {
	readonly code: string;
	readonly message: string;
	readonly retryable: boolean;
	readonly details?: Readonly<Record<string, unknown>>;
} {
	if (result.ok) throw new Error(`done: ${JSON.stringify(result.value)}`);
	return result.error;
}
function written(result: Result<WriteOutcome>): BookEntry {
	const outcome = value(result);
	if (outcome.kind !== 'written' || outcome.entry === null) throw new Error(JSON.stringify(outcome));
	return outcome.entry;
}
async function entry(book: ScheduleBook, key: number | string): Promise<BookEntry> {
	const found = value(await book.get(String(key)));
	if (found === null) throw new Error(`no entry ${key}`);
	return found;
}
const words = (one: BookEntry | undefined) => (one?.remarks ?? []).map((remark) => remark.words).join('\n');
const named = (reading: BookReading, name: string) => reading.entries.filter((one) => one.definition.name === name);
const key = (name: string) => `made here ${name}`;
const LOGIN = { username: 'ann', password: 'pa ss&=wörd' };

const GOOD: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'nightly',
	task: 'shop.tasks.tidy',
	queue: 'slow',
	recurrence: { kind: 'every', count: 2, unit: 'hours', align: 'last-run' },
	args: "1, 'two'",
	kwargs: '{"id": 90071992547409931234}',
};

describe('reading the schedules of a carrot site', () => {
	it('reads 120 of them over three pages, each once, one request at a time, and changes nothing', async () => {
		const { site, book, asked } = await open();
		for (let n = 0; n < 120; n += 1) site.addSchedule({ task_name: `number ${n}` });
		const reading = value(await book.read());
		expect(reading.entries).toHaveLength(120);
		expect(new Set(reading.entries.map((one) => one.key)).size).toBe(120);
		expect(asked()).toEqual(['GET ', 'GET ?page=2', 'GET ?page=3']);
		expect(site.atOnce).toBe(1);
		expect(book.state()).toMatchObject({ kind: 'connected' });
	});

	it('never misses a row because the list moved while it was read', async () => {
		const { site, book } = await open();
		for (let n = 1; n <= 120; n += 1) site.addSchedule();
		const touch = (id: number) => () => {
			const row = site.schedules.get(id);
			if (row === undefined) return;
			site.schedules.delete(id);
			site.schedules.set(id, row);
		};
		// Row 3 is saved and goes to the end, as in PostgreSQL, where rows have no order: row 51 moves to the page already read, and row 3 is seen twice.
		site.after(/GET .*scheduled-tasks\/$/, touch(3));
		expect(value(await book.read()).entries).toHaveLength(120);
		// One is removed: everything behind it moves forward, and one row would be missed.
		site.after(/GET .*page=2$/, () => void site.schedules.delete(60));
		const reading = value(await book.read());
		expect(reading.entries.map((one) => Number(one.key)).toSorted((a, b) => a - b)).toEqual(
			[...site.schedules.keys()].toSorted((a, b) => a - b),
		);
		// The last page is gone before it is read.
		site.after(/GET .*page=2$/, () => {
			for (const id of [...site.schedules.keys()].slice(100)) site.schedules.delete(id);
		});
		expect(value(await book.read()).entries).toHaveLength(100);
	});

	it('fails rather than taking a list that never holds still for the whole', async () => {
		const { site, book } = await open();
		for (let n = 0; n < 60; n += 1) site.addSchedule();
		for (let n = 0; n < 3; n += 1) site.after(/GET .*scheduled-tasks\/$/, () => void site.addSchedule());
		expect(failure(await book.read())).toMatchObject({ code: 'busy', retryable: true });
		expect(value(await book.read()).entries).toHaveLength(63);
	});

	it('shows rows that it cannot read as broken, with what they hold', async () => {
		const { site, book } = await open();
		site.addSchedule();
		Object.assign(site.addSchedule(), { id: 'seven' });
		const reading = value(await book.read());
		expect(reading.entries).toHaveLength(1);
		expect(reading.broken).toMatchObject([{ reason: 'A schedule has no id.' }]);
		expect(reading.broken[0]?.raw).toContain('"seven"');
	});

	it('says of positional arguments how they arrive, as the site then publishes them', async () => {
		const { site, book } = await open();
		const row = site.addSchedule({ task_args: '1, 2' });
		expect(words(await entry(book, row.id))).toContain("1, 2 arrives as '1' and '2'");
		value((await book.runNow?.(String(row.id))) ?? ok(undefined));
		expect([...site.rows.values()].map((one) => one.task_args)).toEqual(["('1', '2')"]);
	});

	it('knows a number that is not there from a site that is none', async () => {
		const { site, book } = await open();
		expect(value(await book.get('9'))).toBeNull();
		expect(value(await book.get('made here'))).toBeNull();
		site.mishap(/\/9\//, { status: 404 });
		expect(failure(await book.get('9')).code).toBe('unsupported');
		const old = await open({ release: 'none' });
		expect(failure(await old.book.read()).message).toContain('carrot is too old');
		expect(failure(await old.book.write({ kind: 'create', key: key('x'), definition: GOOD })).code).toBe('unsupported');
	});
});

describe('names of a carrot site', () => {
	it('may be missing: the schedule is shown by task and number, and any change gives it that name', async () => {
		const { site, book } = await open();
		const row = site.addSchedule({ task_name: null });
		const [shown] = value(await book.read()).entries;
		expect(shown?.definition.name).toBe(`shop.tasks.add (number ${row.id})`);
		expect(words(shown)).toContain('no name for it');
		if (shown === undefined) return;
		const definition = { ...shown.definition, active: false };
		const after = written(await book.write({ kind: 'change', key: shown.key, expect: shown.version, definition }));
		expect(row).toMatchObject({ task_name: `shop.tasks.add (number ${row.id})`, active: false });
		expect(words(after)).toBe('');
	});

	it('may be repeated: both are shown with a remark, and can be edited once one of them is renamed', async () => {
		const { site, book } = await open();
		const [one, two] = [site.addSchedule({ task_name: 'twin' }), site.addSchedule({ task_name: 'twin' })];
		const twins = named(value(await book.read()), 'twin');
		expect(twins.map(words)).toEqual([
			expect.stringContaining(`same name as number ${two.id}`),
			expect.stringContaining(`same name as number ${one.id}`),
		]);
		const [first, second] = twins;
		if (first === undefined || second === undefined) return;
		const pause = (entry: BookEntry, more: Partial<ScheduleDefinition> = {}) =>
			book.write({
				kind: 'change',
				key: entry.key,
				expect: entry.version,
				definition: { ...entry.definition, active: false, ...more },
			});
		expect(value(await pause(first))).toEqual({ kind: 'name-taken', by: String(two.id) });
		expect(written(await pause(first, { name: 'first twin' })).key).toBe(String(one.id));
		written(await pause(second));
		expect([one, two]).toMatchObject([
			{ task_name: 'first twin', active: false },
			{ task_name: 'twin', active: false },
		]);
		expect(value(await book.read()).entries.map(words)).toEqual(['', '']);
	});

	it('are not kept by old releases: rows go by number there, and a rename is refused in words', async () => {
		const { site, book } = await open({ release: '0.5' });
		const made = written(await book.write({ kind: 'create', key: key('x'), definition: GOOD }));
		expect(made.definition.name).toBe(`shop.tasks.tidy (number ${made.key})`);
		expect(words(made)).toContain('keeps no names');
		const change = (more: Partial<ScheduleDefinition>) =>
			book.write({ kind: 'change', key: made.key, expect: made.version, definition: { ...made.definition, ...more } });
		expect(failure(await change({ name: 'mine' })).details?.problems).toMatchObject([{ field: 'name' }]);
		written(await change({ active: false }));
		expect([...site.schedules.values()]).toMatchObject([{ active: false, task_name: null }]);
		// Without a name, one whose answer was lost is known by all the rest.
		const other = { ...GOOD, queue: 'other' };
		site.mishap(/^POST/, 'break-after');
		const found = written(await book.write({ kind: 'create', key: key('y'), definition: other }));
		expect(found.definition).toMatchObject({ queue: 'other', name: `shop.tasks.tidy (number ${found.key})` });
		expect(site.schedules.size).toBe(2);
		expect(value((await book.tasks?.()) ?? ok(null))).toBeNull();
	});
});

describe('changing the schedules of a carrot site', () => {
	it('makes one, reads it back the same, changes it under the same key, and removes it', async () => {
		const { site, book } = await open();
		const made = written(await book.write({ kind: 'create', key: key('x'), definition: GOOD }));
		expect(made.definition).toEqual(GOOD);
		expect(value(await book.read()).entries).toMatchObject([
			{ key: made.key, version: made.version, definition: GOOD },
		]);
		const definition: ScheduleDefinition = {
			...GOOD,
			name: 'weekly',
			recurrence: { kind: 'every', count: 7, unit: 'days', align: 'last-run' },
			exchange: 'x',
			routingKey: 'r',
			args: '',
			active: false,
		};
		const after = written(await book.write({ kind: 'change', key: made.key, expect: made.version, definition }));
		expect(after).toMatchObject({ key: made.key, definition });
		expect([...site.schedules.values()]).toMatchObject([
			{ task_name: 'weekly', interval_count: 7, interval_type: 'days', exchange: 'x', routing_key: 'r', task_args: '' },
		]);
		expect(value(await book.write({ kind: 'remove', key: made.key, expect: after.version }))).toEqual({
			kind: 'written',
			entry: null,
		});
		expect(site.schedules.size).toBe(0);
		expect(value(await book.get(made.key))).toBeNull();
	});

	it('has a version that changes with every field, and never by a run', async () => {
		const { site, book } = await open();
		const row = site.addSchedule();
		const versions = [(await entry(book, row.id)).version];
		value((await book.runNow?.(String(row.id))) ?? ok(undefined));
		expect((await entry(book, row.id)).version).toBe(versions[0]);
		const edits = { task_name: 'n', task: 'a.b', queue: 'q', exchange: 'e', routing_key: 'r', interval_type: 'days' };
		const more = { interval_count: 9, task_args: '1', content: '{"a": 1}', active: false };
		for (const [field, to] of Object.entries({ ...edits, ...more })) {
			Object.assign(row, { [field]: to });
			versions.push((await entry(book, row.id)).version);
		}
		expect(new Set(versions).size).toBe(11);
	});

	it('sends nothing of what it would not keep, and says what is wrong at which field', async () => {
		const { site, book, asked } = await open();
		const row = site.addSchedule();
		const bad = { ...GOOD, args: '[1,2]', zone: 'Europe/London' };
		for (const write of [
			{ kind: 'create', key: key('x'), definition: bad },
			{ kind: 'change', key: String(row.id), expect: 'any', definition: bad },
		] as const) {
			const { code, details } = failure(await book.write(write));
			expect([code, details?.problems]).toMatchObject(['invalid-input', [{ field: 'zone' }, { field: 'args' }]]);
		}
		expect(asked()).toEqual([]);
		expect(book.check(GOOD)).toEqual([]);
	});

	it('sends no request for a change that changes nothing', async () => {
		const { site, book, asked } = await open();
		const row = site.addSchedule({ task_args: null, content: '"{}"', exchange: '' });
		const { version, definition } = await entry(book, row.id);
		asked();
		written(await book.write({ kind: 'change', key: String(row.id), expect: version, definition }));
		expect(asked()).toEqual([`GET ${row.id}/`]);
	});

	it('refuses a name that another one has, and takes one that is the very same for its own', async () => {
		const { site, book } = await open();
		const other = site.addSchedule({ task_name: 'nightly' });
		const create = () => book.write({ kind: 'create', key: key('x'), definition: GOOD });
		expect(value(await create())).toEqual({ kind: 'name-taken', by: String(other.id) });
		const mine = site.addSchedule({ task_name: 'mine' });
		const { version, definition } = await entry(book, mine.id);
		const rename = { ...definition, name: 'nightly' };
		const taken = await book.write({ kind: 'change', key: String(mine.id), expect: version, definition: rename });
		expect(value(taken)).toEqual({ kind: 'name-taken', by: String(other.id) });
		site.schedules.delete(other.id);
		const made = written(await create());
		expect(written(await create()).key).toBe(made.key);
		// A site may say it in any language.
		site.mishap(/^POST/, { status: 400, body: '{"task_name": ["Dieser Name ist schon vergeben."]}' });
		const again = await book.write({ kind: 'create', key: key('x'), definition: { ...GOOD, queue: 'other' } });
		expect(value(again)).toEqual({ kind: 'name-taken', by: made.key });
	});

	it("tells the site's own complaints at their fields", async () => {
		const { site, book } = await open({ taskChoices: ['shop.tasks.add'] });
		const { code, message, details } = failure(await book.write({ kind: 'create', key: key('x'), definition: GOOD }));
		expect(code).toBe('invalid-input');
		expect(message).toContain('This is not a valid selection');
		expect(details?.problems).toMatchObject([
			{ field: 'task', message: expect.stringContaining('its setting task_modules') },
		]);
		site.mishap(/^POST/, { status: 400, body: '{"detail": "JSON parse error"}' });
		expect(failure(await book.write({ kind: 'create', key: key('x'), definition: GOOD })).message).toContain(
			'parse error',
		);
		expect(value((await book.tasks?.()) ?? ok(null))).toEqual(['shop.tasks.add']);
	});

	it('lets one of two changes of the same version through', async () => {
		const { site, book } = await open();
		const row = site.addSchedule();
		const { version, definition } = await entry(book, row.id);
		const change = (queue: string) =>
			book.write({ kind: 'change', key: String(row.id), expect: version, definition: { ...definition, queue } });
		const outcomes = (await Promise.all([change('one'), change('two')])).map(value);
		expect(outcomes.map((one) => one.kind)).toEqual(['written', 'changed']);
		expect(row.queue).toBe('one');
	});
});

describe('edits by somebody else', () => {
	async function prepared(clock?: Clock): Promise<
		Opened & {
			readonly row: StandInSchedule;
			readonly change: (more: Partial<ScheduleDefinition>) => Promise<Result<WriteOutcome>>;
			readonly remove: () => Promise<Result<WriteOutcome>>;
		}
	> {
		const opened = await open({}, clock === undefined ? {} : { clock });
		const row = opened.site.addSchedule();
		const { key, version, definition } = await entry(opened.book, row.id);
		const change = (more: Partial<ScheduleDefinition>) =>
			opened.book.write({ kind: 'change', key, expect: version, definition: { ...definition, ...more } });
		return { ...opened, row, change, remove: () => opened.book.write({ kind: 'remove', key, expect: version }) };
	}
	type StandInSchedule = ReturnType<StandInSite['addSchedule']>;

	it('before ours are found, and nothing is sent', async () => {
		const { site, row, change, remove, asked } = await prepared();
		row.queue = 'theirs';
		asked();
		for (const outcome of [value(await change({ queue: 'ours' })), value(await remove())]) {
			expect(outcome).toMatchObject({ kind: 'changed', current: { definition: { queue: 'theirs' } } });
		}
		site.schedules.delete(row.id);
		for (const outcome of [value(await change({ queue: 'ours' })), value(await remove())]) {
			expect(outcome).toEqual({ kind: 'changed', current: null });
		}
		expect(asked().every((one) => one.startsWith('GET'))).toBe(true);
	});

	it('of other fields between our reading and our change survive it, and are told as news', async () => {
		const { site, book, row, change } = await prepared();
		let news = 0;
		stack.push(book.onChange(() => (news += 1)));
		await waitFor('the first look', () => news === 1);
		site.before(/^PATCH/, () => Object.assign(row, { content: '{"theirs": 1}', exchange: 'theirs' }));
		const ours = written(await change({ active: false }));
		expect(row).toMatchObject({ active: false, content: '{"theirs": 1}', exchange: 'theirs' });
		// What was written is ours alone; the next reading shows theirs as theirs.
		expect(ours.definition).toMatchObject({ active: false, kwargs: '{}', exchange: '' });
		expect(news).toBe(2);
		const now = await entry(book, row.id);
		expect(now.version).not.toBe(ours.version);
		expect(now.definition).toMatchObject({ active: false, kwargs: '{"theirs": 1}', exchange: 'theirs' });
	});

	it('that undo ours while both are saved are found by reading back', async () => {
		const { site, row, change } = await prepared();
		const theirs = { ...row, content: '{"theirs": 1}' };
		site.after(/^PATCH/, () => Object.assign(row, theirs));
		const outcome = value(await change({ active: false, queue: 'ours' }));
		expect(outcome).toMatchObject({
			kind: 'changed',
			current: { definition: { active: true, queue: 'default', kwargs: '{"theirs": 1}' } },
		});
	});

	it('of the same field right after ours are found by reading back', async () => {
		const { site, row, change } = await prepared();
		site.after(/^PATCH/, () => Object.assign(row, { queue: 'theirs' }));
		expect(value(await change({ queue: 'ours' }))).toMatchObject({
			kind: 'changed',
			current: { definition: { queue: 'theirs' } },
		});
	});

	it('that remove the schedule are found before, during and after our change', async () => {
		for (const when of ['before', 'after'] as const) {
			const { site, row, change } = await prepared();
			site[when](/^PATCH/, () => void site.schedules.delete(row.id));
			expect(value(await change({ queue: 'ours' }))).toEqual({ kind: 'changed', current: null });
		}
		const { site, row, remove } = await prepared();
		site.before(/^DELETE/, () => void site.schedules.delete(row.id));
		expect(value(await remove())).toEqual({ kind: 'changed', current: null });
	});

	it('that are saved while we remove put the schedule back, and are found', async () => {
		const { site, row, remove } = await prepared();
		site.after(/^DELETE/, () => void site.schedules.set(row.id, { ...row, queue: 'theirs' }));
		expect(value(await remove())).toMatchObject({ kind: 'changed', current: { definition: { queue: 'theirs' } } });
	});

	it('are noticed at the next look while somebody listens, and our own are no news', async () => {
		const clock = manualClock();
		const { site, book, row, change } = await prepared(clock);
		await book.read();
		let news = 0;
		stack.push(book.onChange(() => (news += 1)));
		const looks = () => site.requests.filter((one) => one === 'GET /carrot/api/scheduled-tasks/').length;
		// A look begins when the one before it has ended.
		const looked = async (what: string) => {
			const before = looks();
			await waitFor(what, async () => {
				await clock.advance(5_000);
				return looks() >= before + 2;
			});
		};
		written(await change({ active: false }));
		const made = written(await book.write({ kind: 'create', key: key('x'), definition: GOOD }));
		await looked('looks after we made one');
		value(await book.write({ kind: 'remove', key: made.key, expect: made.version }));
		await looked('looks after we removed it');
		expect(news).toBe(0);
		row.queue = 'theirs';
		await looked('looks after they changed one');
		expect(news).toBe(1);
	});
});

describe('a carrot site in trouble', () => {
	const ways = [
		['create', /^POST/, 'Nothing was made'],
		['change', /^PATCH/, 'Nothing was changed'],
		['remove', /^DELETE/, 'Nothing was removed'],
	] as const;

	async function one(kind: 'create' | 'change' | 'remove', deadlineMs?: number) {
		const opened = await open({}, deadlineMs === undefined ? {} : { deadlineMs });
		const { site, book } = opened;
		const row = site.addSchedule();
		const { key: own, version, definition } = await entry(book, row.id);
		const write = () =>
			kind === 'create'
				? book.write({ kind, key: key('x'), definition: GOOD })
				: kind === 'change'
					? book.write({ kind, key: own, expect: version, definition: { ...definition, queue: 'ours' } })
					: book.write({ kind, key: own, expect: version });
		const done = () =>
			kind === 'create'
				? site.schedules.size === 2
				: kind === 'change'
					? row.queue === 'ours'
					: site.schedules.size === 0;
		return { ...opened, write, done };
	}

	it.each(ways)(
		'that fails with 500 before it would %s: refused, and the reading back says that nothing was done',
		async (kind, pattern, said) => {
			const { site, write, done } = await one(kind);
			site.mishap(pattern, { status: 500, body: `<title>OperationalError at /carrot/</title>${CANARY}` });
			const refused = failure(await write());
			expect(refused).toMatchObject({ code: 'refused', details: { status: 500, sent: false } });
			expect(refused.message).toContain('OperationalError');
			expect(refused.message).toContain(said);
			expect(JSON.stringify(refused)).not.toContain('canary');
			expect(done()).toBe(false);
			expect(value(await write()).kind).toBe('written');
		},
	);

	it.each(ways)('that fails with 500 after it did %s: written, as the reading back shows', async (kind, pattern) => {
		const { site, write, done } = await one(kind);
		site.mishap(pattern, { status: 500, after: true });
		expect(value(await write()).kind).toBe('written');
		expect(done()).toBe(true);
	});

	it.each(ways)(
		'whose answer to %s is lost: written where reading back shows it, else not known',
		async (kind, pattern) => {
			const { site, book, write, done } = await one(kind, 400);
			for (const lost of ['break', 'hang', { status: 502 }] as const) {
				site.mishap(pattern, lost);
				const open = failure(await write());
				expect(open.details, JSON.stringify(lost)).toMatchObject({ sent: true });
				expect(['unreachable', 'timeout']).toContain(open.code);
				expect(open.message).toContain('not known yet');
				expect(done()).toBe(false);
			}
			site.mishap(pattern, kind === 'remove' ? 'hang-after' : 'break-after');
			expect(value(await write()).kind).toBe('written');
			expect(done()).toBe(true);
			expect(book.state().kind).toBe('connected');
		},
	);

	it('that answers neither the making nor the reading back has made one all the same: it is found, not made twice', async () => {
		const { site, book } = await open();
		site.mishap(/^POST/, 'break-after');
		site.mishap(/^GET/, 'break', 3);
		const create = () => book.write({ kind: 'create', key: key('x'), definition: GOOD });
		expect(failure(await create()).details).toMatchObject({ sent: true });
		expect(book.state()).toMatchObject({ kind: 'reconnecting' });
		const [found] = named(value(await book.read()), 'nightly');
		expect(found?.definition).toEqual(GOOD);
		expect(written(await create()).key).toBe(found?.key);
		expect(site.schedules.size).toBe(1);
	});

	it('that is not reached at all has received nothing', async () => {
		const { site, book, write } = await one('change');
		await site[Symbol.asyncDispose]();
		expect(failure(await write())).toMatchObject({ code: 'unreachable', retryable: true });
		expect(book.state()).toMatchObject({ kind: 'reconnecting', nextTryAt: null });
		expect(failure(await book.read()).code).toBe('unreachable');
	});

	it.each([
		['401', { status: 401 }, 'HTTP credentials (401)'],
		[
			'403',
			{ status: 403, body: '{"detail": "You do not have permission to perform this action."}' },
			'do not have permission',
		],
		[
			'a login elsewhere',
			{ status: 302, headers: { location: 'https://sso.example/login?next=/carrot/' } },
			'another place',
		],
		[
			'a login without credentials',
			{ status: 302, headers: { location: '/accounts/login/?next=/carrot/' } },
			'asks for a login',
		],
	])('that answers with %s: refused, and nothing was done', async (_what, answer, said) => {
		for (const [kind, pattern] of ways) {
			const { site, write, done } = await one(kind);
			site.mishap(pattern, answer);
			expect(failure(await write())).toMatchObject({ code: 'refused', message: expect.stringContaining(said) });
			expect(done()).toBe(false);
		}
		const { site, book } = await open();
		site.mishap(/^GET/, answer);
		expect(failure(await book.read()).code).toBe('refused');
		expect(book.state()).toMatchObject({ kind: 'refused', reason: expect.stringContaining(said) });
	});

	it('that answers with a page of something else is no carrot monitor', async () => {
		const { site, book } = await open();
		site.mishap(/^GET/, { status: 200, body: '<html>hello</html>' });
		expect(failure(await book.read()).code).toBe('unsupported');
		expect(book.state().kind).toBe('refused');
	});

	it('that is slow holds nobody up but the one who asked', async () => {
		const { site, book } = await open();
		const row = site.addSchedule();
		const { key: own, version, definition } = await entry(book, row.id);
		const held = site.hold(/^PATCH/);
		const change = book.write({ kind: 'change', key: own, expect: version, definition: { ...definition, queue: 'q' } });
		await held.arrived;
		expect(value(await book.read()).entries).toMatchObject([{ version }]);
		held.release();
		expect(written(await change).definition.queue).toBe('q');
	});
});

describe('a carrot site behind a login', () => {
	it('is read and changed with session and CSRF token, and logged in to again in mid-change, which happens once', async () => {
		const { site, book } = await open({ login: LOGIN }, { login: LOGIN });
		const made = written(await book.write({ kind: 'create', key: key('x'), definition: GOOD }));
		site.before(/^PATCH/, () => site.endSessions());
		const definition = { ...GOOD, active: false };
		written(await book.write({ kind: 'change', key: made.key, expect: made.version, definition }));
		expect(site.logins).toEqual({ ok: 2, refused: 0 });
		expect(site.schedules.size).toBe(1);
		expect(value(await book.read()).entries).toHaveLength(1);
	});

	it('that refuses the password says so, and is not asked again and again', async () => {
		const { site, book } = await open({ login: LOGIN }, { login: { username: 'ann', password: 'guess' } });
		const answers = [await book.read(), await book.write({ kind: 'create', key: key('x'), definition: GOOD })];
		for (const answer of answers) expect(failure(answer)).toMatchObject({ code: 'refused' });
		expect(JSON.stringify(answers)).not.toContain('guess');
		expect(site.logins.refused).toBe(1);
	});
});

describe('running a schedule of a carrot site now', () => {
	const run = async (book: ScheduleBook, id: number | string) => (await book.runNow?.(String(id))) ?? ok(undefined);

	it('publishes it once, active or not', async () => {
		const { site, book } = await open();
		const row = site.addSchedule({ active: false, content: '{"a": 1}' });
		value(await run(book, row.id));
		expect([...site.rows.values()]).toMatchObject([{ task: 'shop.tasks.add', content: '{"a": 1}', priority: 0 }]);
	});

	it('says that it is gone, that the site cannot publish it, or that nobody knows, and asks once', async () => {
		const { site, book, asked } = await open({ notImportable: ['shop.gone'] });
		const [row, bad] = [site.addSchedule(), site.addSchedule({ task: 'shop.gone' })];
		expect(failure(await run(book, 99)).code).toBe('not-found');
		expect(failure(await run(book, 'made here')).code).toBe('not-found');
		expect(failure(await run(book, bad.id)).message).toContain('task cannot be imported');
		asked();
		for (const lost of ['break-after', { status: 504, after: true }] as const) {
			site.mishap(/run/, lost);
			const open = failure(await run(book, row.id));
			expect(open).toMatchObject({ code: 'unreachable', retryable: false, details: { sent: true } });
			expect(open.message).toContain('may run all the same');
		}
		expect(asked()).toHaveLength(2);
		expect(site.rows.size).toBe(2);
	});
});
