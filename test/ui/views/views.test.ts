import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, describe, expect, test } from 'vitest';
import { appCommands } from '#renderer/state/app-commands.ts';
import { assess } from '#renderer/views/attention/findings.ts';
import { fieldText, hexDump } from '#renderer/views/message-text.ts';
import { pythonCall, pythonText, pythonValue } from '#renderer/views/task/python.ts';
import { COLUMNS, columnsFor } from '#renderer/views/tasks/columns.ts';
import { connectionWords, keyWords, nextStep, wireWords } from '#renderer/views/words.ts';
import { NO_COUNTS } from '../state/fake-engine.ts';
import { drawConsole } from './drawing.ts';
import { consumerSet, NOW, profile, profileView, queueView } from './world.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
});

function show(hash: string, views = [profileView(profile('shop-eu'))]): ReturnType<typeof drawConsole> {
	const drawn = drawConsole(hash, views);
	open.push(drawn.warren);
	return drawn;
}

describe('what needs a person', () => {
	const quiet = profileView(profile('p'), { counts: NO_COUNTS });
	const queue = { name: 'mail', exists: true, ready: 3, unacked: 0, consumers: 0, at: NOW, source: 'amqp' as const };

	test('is nothing while all is well', () => {
		expect(assess({ view: quiet, queues: [{ ...queue, ready: 0 }], consumers: [], now: NOW })).toEqual([]);
	});

	test('speaks of one failure as of one', () => {
		const failed = (count: number) =>
			assess({
				view: profileView(profile('p'), { counts: { ...NO_COUNTS, failed: count } }),
				queues: [],
				consumers: [],
				now: NOW,
			}).map(({ title, reason }) => [title, reason.slice(0, 9)]);
		expect(failed(1)).toEqual([['1 task failed', 'It raised']]);
		expect(failed(2)).toEqual([['2 tasks failed', 'They rais']]);
	});

	test('names a queue with waiting messages that nobody takes, and offers a consumer for it', () => {
		const [found] = assess({ view: quiet, queues: [queue], consumers: [], now: NOW });
		expect(found).toMatchObject({ id: 'queue:mail', next: { kind: 'consumer', queue: 'mail' } });
	});

	test('says nothing of a queue whose figures the broker cannot tell, or which this console takes from', () => {
		expect(assess({ view: quiet, queues: [{ ...queue, consumers: null }], consumers: [], now: NOW })).toEqual([]);
		expect(assess({ view: quiet, queues: [queue], consumers: [consumerSet()], now: NOW })).toEqual([]);
	});

	test('names messages in quarantine, and nothing while none is held or nobody knows', () => {
		const ids = (held: number | null) =>
			assess({ view: quiet, queues: [], consumers: [], held, now: NOW }).map((found) => [found.id, found.title]);
		expect(ids(2)).toEqual([['quarantine', '2 messages are in quarantine']]);
		expect(ids(0)).toEqual([]);
		expect(ids(null)).toEqual([]);
	});

	test('counts what dead workers left behind, for how long, and offers to give it back or remove it', () => {
		const orphan = {
			tag: 't1',
			id: 'a',
			task: 'shop.charge',
			queues: ['celery'],
			takenAt: NOW - 7_200_000,
			heldMs: 7_200_000,
			bytes: 300,
			redelivered: false,
			holder: 'worker',
			certainty: 'likely',
			reason: 'Every worker was asked and answered, and none of them holds it.',
		} as const;
		const orphans = { items: [orphan], total: 3, rescuable: 2, held: 5, complete: true, askedAt: NOW };
		const replies = {
			items: [{ queue: 'x.reply.celery.pidbox', idleMs: 10_800_000, bytes: 2_048 }],
			total: 1,
			complete: true,
		};
		const look = (left: NonNullable<Parameters<typeof assess>[0]['left']>) =>
			assess({ view: quiet, queues: [], consumers: [], left, now: NOW });
		const [dead, unread] = look({ orphans, replies });
		expect(dead).toMatchObject({
			title: '2 messages of dead workers wait for nothing',
			next: { kind: 'leftovers', action: 'rescue' },
		});
		expect(dead?.reason).toContain('The oldest for 2 h.');
		expect(dead?.reason).toContain('Of 1 more it cannot be told.');
		expect(unread).toMatchObject({
			title: '1 list of answers that nobody fetched',
			next: { kind: 'leftovers', action: 'clean' },
		});
		expect(unread?.reason).toContain('They take 2 KiB of Redis’s memory. Untouched for up to 3 h.');
		// What may be held is never given back: then it is said why, and where to look.
		const unsure = { ...orphan, certainty: 'unsure', reason: 'Not every worker answered.' } as const;
		const [doubt] = look({ orphans: { ...orphans, items: [unsure], total: 1, rescuable: 0 }, replies: null });
		expect(doubt).toMatchObject({
			title: 'Of 1 message nobody says who holds it',
			next: { kind: 'go', view: 'workers' },
		});
		expect(look({ orphans: { ...orphans, items: [], total: 0, rescuable: 0 }, replies: null })).toEqual([]);
	});

	test('puts the broker first, then what is lost, then what failed', () => {
		const view = profileView(profile('p'), {
			counts: { ...NO_COUNTS, failed: 2, lost: 1 },
			connection: { kind: 'refused', since: NOW, nextTryAt: null, reason: 'bad password' },
		});
		expect(assess({ view, queues: null, consumers: [], now: NOW }).map((found) => found.id)).toEqual([
			'connection',
			'lost',
			'failed',
		]);
	});
});

describe('words', () => {
	test('a connection is said with since when, the next try, and why', () => {
		const words = connectionWords(
			{ kind: 'reconnecting', since: NOW - 20_000, nextTryAt: NOW + 6_000, attempt: 3, reason: 'connection refused' },
			NOW,
		);
		expect(words.long).toMatch(/^reconnecting since \d\d:\d\d, next try in 6 s: connection refused$/);
		expect(connectionWords({ kind: 'refused', since: NOW, nextTryAt: null, reason: 'no' }, NOW).long).toMatch(
			/^refused since/,
		);
		expect(connectionWords({ kind: 'connected', since: NOW - 60_000, server: null }, NOW).long).toBe('connected 1 min');
	});

	test('the page says that its engine is gone, and nothing while it is there', () => {
		expect(wireWords({ kind: 'connected', since: 0 }, NOW)).toBeNull();
		expect(wireWords({ kind: 'waiting', since: NOW, nextTryAt: NOW + 2_000, attempt: 2, reason: 'x' }, NOW)).toContain(
			'next try in 2 s',
		);
	});

	test('a defect names its place in the log', () => {
		expect(nextStep({ code: 'internal', message: 'x', retryable: false, ref: 'e42' })).toContain('e42');
	});

	test('keys read as people say them', () => {
		expect(keyWords('Shift+d')).toBe('⇧D');
		expect(keyWords(' ')).toBe('Space');
	});
});

describe('copying as Python', () => {
	test('keeps all digits, types and names', () => {
		expect(
			pythonCall('a.b', {
				args: [
					{ kind: 'int', text: '9007199254740993' },
					{ kind: 'none' },
					{ kind: 'tuple', items: [{ kind: 'bool', value: true }] },
				],
				kwargs: [['x', { kind: 'float', text: 'NaN' }]],
			}),
		).toBe("a.b(9007199254740993, None, (True,), x=float('nan'))");
		expect(pythonCall('f', { args: [], kwargs: [['not-a-name', { kind: 'set', items: [] }]] })).toBe(
			"f(**{'not-a-name': set()})",
		);
	});

	test('never writes what would run or what cannot be seen', () => {
		expect(pythonText("it's\n\u202e")).toBe('"it\'s\\n\\u202e"');
		expect(pythonText('"\'\\')).toBe(`'"\\'\\\\'`);
		expect(pythonValue({ kind: 'bytes', base64: btoa("a'\x00") })).toBe("b'a\\'\\x00'");
		expect(pythonValue({ kind: 'opaque', type: 'os.system', text: 'rm' })).toBe('<os.system: rm>');
	});
});

describe('messages as text', () => {
	test('bytes are drawn in rows of sixteen', () => {
		expect(hexDump(btoa('0123456789abcdefg')).split('\n')).toHaveLength(2);
		expect(hexDump(btoa('\x00A'))).toBe(`000000  00 41${' '.repeat(42)}  .A`);
	});

	test('a header keeps its type where the value does not show it', () => {
		expect(fieldText({ type: 'longstr', text: 'x' })).toBe('x');
		expect(fieldText({ type: 'int64', text: '9007199254740993' })).toBe('9007199254740993 (int64)');
		expect(fieldText({ type: 'table', fields: [['a', { type: 'bool', value: true }]] })).toBe('{a: true}');
	});
});

describe('columns', () => {
	test('every list keeps state and task however narrow it is, and loses nothing when wide', () => {
		for (const view of ['queued', 'failed', 'completed'] as const) {
			expect(columnsFor(view, 200).map((column) => column.id)).toEqual(['state', 'task']);
			expect(columnsFor(view, 2_000)).toEqual(COLUMNS[view]);
		}
	});
});

describe('the registry of commands', () => {
	test('every command has an id and a label of its own, no two share a key, and what destroys needs Shift', () => {
		const { warren } = show('#/shop-eu/failed?part=tasks');
		const commands = appCommands(warren, { focusSearch: () => {}, switchPane: () => {} });
		expect(new Set(commands.map((command) => command.id)).size).toBe(commands.length);
		const keys = commands.flatMap((command) => (command.key === null ? [] : [command.key]));
		expect(new Set(keys).size).toBe(keys.length);
		for (const command of commands) {
			expect(command.label).not.toBe('');
			if (command.destructive === true && command.key !== null) expect(command.key).toMatch(/Shift\+/);
		}
		for (const wanted of ['task.requeue', 'task.delete', 'task.publish', 'window.palette', 'window.help']) {
			expect(commands.map((command) => command.id)).toContain(wanted);
		}
	});
});

describe('the console drawn', () => {
	test('lists failures with their exceptions and opens one with its traceback', async () => {
		const { warren } = show('#/shop-eu/failed?part=tasks');
		const grid = await screen.findByRole('grid', { name: 'Failed tasks' });
		const exception = await within(grid).findByText('OperationalError');
		await fireEvent.click(exception);
		await waitFor(() => expect(warren.route.place.task).toBe('f2'));
		expect(await screen.findByRole('tab', { name: /Traceback/ })).toBeTruthy();
	});

	test('has a key into the drawer and back, and closing it from within goes on where the keyboard was', async () => {
		show('#/shop-eu/failed?part=tasks&task=f2');
		const drawer = await screen.findByRole('complementary', { name: /^Task ./ });
		const from = screen.getByRole('button', { name: /^Publish/ });
		from.focus();
		const press = (on: Element, key: string) => fireEvent.keyDown(on, { key });
		await press(from, 'F6');
		expect(document.activeElement).toBe(drawer);
		await press(drawer, 'F6');
		expect(document.activeElement).toBe(from);
		await press(from, 'F6');
		await press(drawer, 'Escape');
		await waitFor(() => expect(screen.queryByRole('complementary', { name: /^Task ./ })).toBeNull());
		expect(document.activeElement).toBe(from);
	});

	test('says of a read-only profile why its buttons are locked', async () => {
		show('#/shop-eu/failed?part=tasks&task=f1', [profileView(profile('shop-eu', { readOnly: true }))]);
		const requeue = await screen.findByRole('button', { name: /^Requeue/ });
		expect((requeue as HTMLButtonElement).disabled).toBe(true);
		expect(screen.getAllByText('shop-eu is read-only').length).toBeGreaterThan(0);
	});

	test('shows history although the broker is down, and says since when', async () => {
		show('#/shop-eu/failed?part=tasks', [
			profileView(profile('shop-eu'), {
				connection: { kind: 'reconnecting', since: NOW, nextTryAt: null, attempt: 9, reason: 'connection refused' },
			}),
		]);
		expect(await screen.findByText('OperationalError')).toBeTruthy();
		expect(screen.getByText(/reconnecting since \d\d:\d\d.*connection refused/)).toBeTruthy();
	});

	test('an empty filter result is told apart from an empty list', async () => {
		show('#/shop-eu/failed?part=tasks&filter=nowhere');
		expect(await screen.findByText('Nothing matches')).toBeTruthy();
	});

	test('thousands of queues are drawn some at a time, and one is found by its name', async () => {
		const { engine } = show('#/shop-eu/queues');
		const items = Array.from({ length: 2_000 }, (_, at) =>
			queueView({
				...{ name: `shard.${at}`, exists: true, ready: at, unacked: 0, consumers: 1, at: NOW, source: 'amqp' },
			}),
		);
		engine.handlers.set('queue.list', () => ({
			ok: true,
			value: {
				...{ items, total: 2_000, complete: true, hidden: 0, management: { state: 'none', reason: null } },
				delayed: { count: 0, source: 'nothing delays here', at: NOW, why: null },
			},
		}));
		await fireEvent.click(await screen.findByRole('button', { name: 'Refresh' }));
		const table = await screen.findByRole('table', { name: 'Queues' });
		await within(table).findByText('shard.99');
		expect(within(table).getAllByRole('row').length).toBe(101);
		await fireEvent.click(screen.getByRole('button', { name: 'Show 100 more' }));
		await within(table).findByText('shard.199');
		await fireEvent.input(screen.getByLabelText('Find a queue'), { target: { value: 'shard.1999' } });
		await within(table).findByText('shard.1999');
		expect(within(table).getAllByRole('row').length).toBe(2);
		expect(screen.getByText('1 of 2,000')).toBeTruthy();
	});

	test('figures that a broker cannot tell are a dash, none is a nought', async () => {
		show('#/shop-eu/queues');
		const table = await screen.findByRole('table', { name: 'Queues' });
		const row = (await within(table).findByText('default')).closest('tr');
		expect(row?.textContent).toContain('1,284');
		expect(row?.textContent).toContain('–');
		expect(row?.textContent).toContain('0');
	});
});
