import { afterEach, describe, expect, test } from 'vitest';
import type { SiteRowView } from '#main/domain/site.ts';
import { Site, type SitePlan } from '#renderer/state/site.svelte.ts';
import { Toasts } from '#renderer/state/toasts.svelte.ts';
import { pageWords } from '#renderer/views/site/words.ts';
import { FakeEngine, failure, settle } from './fake-engine.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
	localStorage.clear();
});

function row(id: number, more: Partial<SiteRowView> = {}): SiteRowView {
	return {
		id,
		uuid: `u${id}`,
		status: 'FAILED',
		task: 'shop.refund',
		queue: 'default',
		exchange: '',
		routingKey: 'default',
		priority: 0,
		exception: 'no',
		publishedAt: 1,
		failedAt: 2,
		completedAt: null,
		argsJson: '[]',
		kwargsJson: '{}',
		preview: '',
		logLines: 0,
		taskId: null,
		...more,
	};
}

interface Started {
	readonly engine: FakeEngine;
	readonly site: Site;
	readonly toasts: Toasts;
	/** Failed rows of the site. */
	readonly rows: Map<number, SiteRowView>;
	readonly shown: number[];
	tick(revision: number): void;
}

function start(count: number): Started {
	const engine = new FakeEngine();
	const rows = new Map<number, SiteRowView>();
	for (let id = 1; id <= count; id += 1) rows.set(id, row(id));
	engine.handlers.set('site.list', (input) => {
		const all = [...rows.values()]
			.filter((each) => input.tab === 'failed' && each.task.includes(String(input.search)))
			.reverse();
		const page = Number(input.page);
		const items = all.slice((page - 1) * 50, page * 50);
		const more = all.length > page * 50;
		return { ok: true, value: { items, total: all.length, page, more, at: 1, unreadable: [] } };
	});
	for (const action of ['requeue', 'delete'] as const) {
		engine.handlers.set(`site.${action}`, (input) => {
			const ids = (input.ids as readonly number[] | undefined) ?? [...rows.keys()];
			const taken = ids.filter((id) => rows.has(id));
			const dry = input.dryRun === true;
			if (!dry) for (const id of taken) rows.delete(id);
			return {
				ok: true,
				value: {
					action,
					done: taken.length,
					failed: 0,
					skipped: ids.length - taken.length,
					cancelled: false,
					dryRun: dry,
					items: [],
					links: dry ? [] : taken.map((id) => ({ id, uuid: `u${id}`, newId: id + 100, newUuid: 'n', way: 'site' })),
					review: dry ? { ids: taken, sample: [], skipped: [], warnings: [] } : null,
				},
			};
		});
	}
	const toasts = new Toasts();
	const shown: number[] = [];
	const site = new Site(engine, 'p', toasts, (id) => shown.push(id));
	open.push(site);
	return {
		engine,
		site,
		toasts,
		rows,
		shown,
		tick: (revision) =>
			engine
				.stream('site.watch')
				.reader.change([{ key: 'p', tick: { counts: null, at: 1, revision, problem: null } }], 0),
	};
}
function plan(target: SitePlan['target'], action: SitePlan['action'] = 'requeue'): SitePlan {
	return { action, target, running: false, waiting: false, messages: false };
}

describe('a site', () => {
	test('is asked nothing before somebody looks', async () => {
		const { engine } = start(3);
		await settle();
		expect([engine.calls, engine.streams]).toEqual([[], []]);
	});

	test('is read a page at a time, and a page that has emptied leads to the last there is', async () => {
		const { site, rows } = start(60);
		const list = site.list('failed');
		list.find('');
		await settle();
		expect([list.rows.length, list.total, list.pages]).toEqual([50, 60, 2]);
		await list.go(2);
		expect(list.rows.length).toBe(10);
		for (let id = 1; id <= 30; id += 1) rows.delete(id);
		await list.reload();
		expect([list.page, list.rows.length]).toEqual([1, 30]);
	});

	test('keeps its rows where they are when it changes: the same ones are brought up to date, others are offered', async () => {
		const { site, rows, tick } = start(2);
		const list = site.list('failed');
		list.find('');
		open.push(site.watch());
		await settle();
		tick(1);
		rows.set(1, row(1, { exception: 'another' }));
		tick(2);
		await settle();
		expect(list.pending).toBeNull();
		expect(list.rows.map((each) => each.exception)).toEqual(['no', 'another']);
		rows.set(3, row(3));
		tick(3);
		await settle();
		expect(list.rows.map((each) => each.id)).toEqual([2, 1]);
		list.showPending();
		expect(list.rows.map((each) => each.id)).toEqual([3, 2, 1]);
	});

	test('an answer to an earlier search is dropped', async () => {
		const { site, engine, rows } = start(1);
		rows.set(2, row(2, { task: 'shop.mail' }));
		let release = (): void => {};
		engine.gate = (called) =>
			called.input.search === '' ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
		const list = site.list('failed');
		list.find('');
		list.find('mail');
		await settle();
		release();
		await settle();
		expect(list.rows.map((each) => each.id)).toEqual([2]);
	});

	test('rows are changed by the numbers that were reviewed, whatever has come to the list since', async () => {
		const { site, engine, rows } = start(3);
		await site.change.ask(plan({ all: 'failed', search: '', except: new Set(['2']) }, 'delete'));
		rows.set(9, row(9));
		await site.change.confirm('shop');
		const [review, run] = engine.called('site.delete');
		expect(review?.input).toMatchObject({ all: 'failed', dryRun: true });
		expect(run?.input).toMatchObject({ ids: [1, 3] });
		expect(run?.input.all).toBeUndefined();
		expect(run?.confirm).toBe('shop');
		expect([...rows.keys()]).toEqual([2, 9]);
	});

	test('a row that is sent again is tied to its new one', async () => {
		const { site, toasts, shown } = start(1);
		await site.change.ask(plan({ ids: [1] }));
		await site.change.confirm();
		expect(toasts.items.at(-1)?.title).toBe('Row 1 is sent again as row 101');
		toasts.items.at(-1)?.action?.run();
		expect(shown).toEqual([101]);
	});

	test('nothing can be confirmed while what is wanted has changed and is reviewed again', async () => {
		const { site, engine } = start(2);
		await site.change.ask(plan({ ids: [1] }));
		let release = (): void => {};
		engine.gate = () => new Promise((resolve) => (release = resolve));
		const revised = site.change.revise({ ...plan({ ids: [1] }), running: true });
		expect(await site.change.confirm()).toBeNull();
		release();
		await revised;
		engine.gate = () => Promise.resolve();
		await site.change.confirm();
		expect(engine.called('site.requeue').at(-1)?.input).toMatchObject({ ids: [1], running: true });
	});

	test('its project goes along with a requeue and never with a delete, whose route knows none', async () => {
		const { site, engine } = start(2);
		site.project = { project: '/srv/shop', settings: 'shop.settings', python: '' };
		await site.change.ask(plan({ ids: [1] }));
		site.change.dismiss();
		await site.change.ask(plan({ ids: [1] }, 'delete'));
		expect(engine.called('site.requeue')[0]?.input).toMatchObject({ project: '/srv/shop', settings: 'shop.settings' });
		expect(engine.called('site.delete')[0]?.input.project).toBeUndefined();
	});

	test('a failed page leaves the rows that were read, and says what went wrong', async () => {
		const { site, engine } = start(2);
		const list = site.list('failed');
		list.find('');
		await settle();
		engine.handlers.set('site.list', () => failure('unreachable', 'The site does not answer.'));
		await list.reload();
		expect([list.rows.length, list.error?.code, list.busy]).toEqual([2, 'unreachable', false]);
	});
});

describe('comparing', () => {
	test('looks into queues only when told, and sends only numbers', async () => {
		const { site, engine } = start(0);
		engine.handlers.set('site.reconcile', () => ({ ok: true, value: { at: 1, findings: [], cannotTell: [] } }));
		site.reconcile.setExpected('default', '2');
		site.reconcile.setExpected('mail', 'many');
		expect(site.reconcile.fault('mail')).toBe('A whole number');
		await site.reconcile.look();
		expect(engine.called('site.reconcile')[0]?.input).toEqual({ profile: 'p', expect: { default: '2' }, peek: false });
	});

	test('what a person said of consumers is remembered for the profile, and foreign text is no reason to fail', () => {
		start(0).site.reconcile.setExpected('default', '2');
		expect(start(0).site.reconcile.expect).toEqual({ default: '2' });
		localStorage.setItem('warren.expect.p', '{"default": 3, "x"');
		expect(start(0).site.reconcile.expect).toEqual({});
	});
});

describe('words of the engine on the page', () => {
	test.each([
		'is in progress and would run twice (allow it with --running)',
		'still wait: their messages stay in the queue, unless they are taken out as well (--messages).',
		'Look into the queue (with --peek) to learn which rows these are, then requeue them.',
		'Look into the queue with --peek.',
		'Say it: --expect default=N.',
		"Give the site's project and settings (--project, --settings), so that Warren can write the row itself.",
		'A consumer with --settings updates the rows in any case.',
		"The site's project needs both its folder and its settings: --project DIR --settings MODULE.",
		'More than 10000 rows match. Narrow them with --search, or do it in parts.',
	])('name no flag: %s', (words) => {
		expect(pageWords(words)).not.toContain('--');
		expect(pageWords(words)).toMatch(/\w/);
	});
});
