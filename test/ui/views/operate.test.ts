import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, test } from 'vitest';
import { NO_LIMITS, type SavedConsumerSet } from '#main/domain/consumer.ts';
import { consumerSetId, profileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import App from '#renderer/App.svelte';
import { Warren } from '#renderer/state/warren.svelte.ts';
import { WireStatus } from '#renderer/state/wire.svelte.ts';
import { changedSince, settingWords, standingWords } from '#renderer/views/workers/words.ts';
import { type FakeEngine, failure } from '../state/fake-engine.ts';
import { consumerSet, NOW, profile, profileView, world } from './world.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
});

function show(hash: string, more: Partial<Profile> = {}, prepare: (engine: FakeEngine) => void = () => {}): FakeEngine {
	const engine = world([profileView(profile('shop-eu', more))]);
	prepare(engine);
	const wire = new WireStatus();
	wire.state = { kind: 'connected', since: 0 };
	let now = hash;
	const warren = new Warren(engine, wire, {
		read: () => now,
		push: (next) => {
			now = next;
		},
		replace: (next) => {
			now = next;
		},
		onMove: () => ({ [Symbol.dispose]: () => {} }),
	});
	open.push(warren);
	render(App, { props: { warren } });
	return engine;
}

/** The set that the world's consumer is a run of. */
function saved(more: Partial<SavedConsumerSet> = {}): SavedConsumerSet {
	const { intent } = consumerSet();
	return {
		id: consumerSetId('set-1'),
		profile: profileId('shop-eu'),
		name: 'main',
		queues: [...intent.queues.map((queue) => ({ queue, consumable: true })), { queue: 'bulk', consumable: false }],
		intent: { ...intent, queues: [] },
		autoStart: true,
		createdAt: NOW,
		updatedAt: NOW,
		...more,
	};
}

describe('consumers in words', () => {
	test('a run is as it is saved until the set is changed in more than its size', () => {
		const run = consumerSet();
		expect(changedSince(saved(), run)).toBe(false);
		expect(changedSince(saved({ intent: { ...saved().intent, concurrency: 9 } }), run)).toBe(false);
		expect(changedSince(saved({ intent: { ...saved().intent, limits: { ...NO_LIMITS, softMs: 1_000 } } }), run)).toBe(
			true,
		);
		expect(changedSince(saved({ queues: [{ queue: 'default', consumable: true }] }), run)).toBe(true);
	});

	test('only what differs from the usual is said of a set', () => {
		expect(settingWords(consumerSet().intent)).toEqual([]);
		const limits = { ...NO_LIMITS, hardMs: 90_000, recycleAfter: 1 };
		expect(settingWords({ ...consumerSet().intent, limits, onKnownOutcome: 'ask' })).toEqual([
			'killed after 1m30s',
			'a new process for each task',
			'asks about repeats',
		]);
	});

	test('a set that has not run here is told apart from one that stopped', () => {
		expect(standingWords(null, NOW)).toBe('not started here');
		expect(standingWords({ ...consumerSet(), state: 'stopped' }, NOW)).toBe('stopped 1 min ago');
	});
});

describe('the Workers view', () => {
	const withSet = (engine: FakeEngine): void => {
		engine.handlers.set('consumer.sets', () => ({
			ok: true,
			value: { items: [{ set: saved(), running: null }], total: 1 },
		}));
	};

	test('shows a saved set and its run in one place, with the queues that it leaves alone', async () => {
		show('#/shop-eu/workers', {}, withSet);
		const set = await screen.findByRole('region', { name: 'Consumer set main' });
		expect(within(set).getByText('bulk').closest('li')?.textContent).toContain('not consumed');
		expect(within(set).getByRole('list', { name: 'Slots' })).toBeTruthy();
		expect(screen.getAllByRole('region', { name: /^Consumer/ })).toHaveLength(1);
	});

	test('changes the size of a run without touching what is saved, and offers to save it', async () => {
		const engine = show('#/shop-eu/workers', {}, withSet);
		engine.handlers.set('consumer.resize', (input) => ({
			ok: true,
			value: { ...consumerSet(), intent: { ...consumerSet().intent, concurrency: Number(input.concurrency) } },
		}));
		const set = await screen.findByRole('region', { name: 'Consumer set main' });
		await fireEvent.click(within(set).getByRole('button', { name: 'Tasks at a time of main: one more' }));
		await within(set).findByRole('button', { name: '2 are saved; save 3' });
		expect(engine.called('consumer.resize').map((call) => call.input)).toMatchObject([{ concurrency: 3, save: false }]);
	});

	test('locks everything that changes something on a read-only profile, and nothing that only looks', async () => {
		show('#/shop-eu/workers', { readOnly: true }, withSet);
		const set = await screen.findByRole('region', { name: 'Consumer set main' });
		for (const name of ['Stop', 'Stop now', 'Restart', 'Edit', 'Cancel'])
			expect((within(set).getByRole('button', { name }) as HTMLButtonElement).disabled, name).toBe(true);
		expect((within(set).getByRole('button', { name: 'Log' }) as HTMLButtonElement).disabled).toBe(false);
	});

	test('asks before a running task is cancelled or given back', async () => {
		const engine = show('#/shop-eu/workers', {}, withSet);
		const set = await screen.findByRole('region', { name: 'Consumer set main' });
		await fireEvent.click(within(set).getByRole('button', { name: 'Cancel' }));
		await screen.findByRole('alertdialog', { name: 'Cancel this task' });
		expect(engine.called('consumer.cancel')).toEqual([]);
		await fireEvent.click(screen.getByRole('button', { name: 'Cancel the task' }));
		expect(engine.called('consumer.cancel')).toHaveLength(1);
	});
});

describe('the quarantine drawn', () => {
	test('tells nothing held apart from what could not be read', async () => {
		show('#/shop-eu/quarantine');
		expect(await screen.findByText('Nothing is held')).toBeTruthy();
	});

	test('says what to do when it cannot be read, and does not call it empty', async () => {
		show('#/shop-eu/quarantine', {}, (engine) => {
			engine.handlers.set('quarantine.list', () => failure('internal', 'The store is busy.'));
		});
		expect((await screen.findAllByText(/The store is busy/)).length).toBeGreaterThan(0);
		expect(screen.queryByText('Nothing is held')).toBeNull();
	});
});

describe('the site drawn', () => {
	test('is offered only to profiles with a monitor; others are told how to get one', async () => {
		show('#/shop-eu/site');
		expect(await screen.findByText('This profile names no site')).toBeTruthy();
		expect(screen.queryByRole('button', { name: 'Site' })).toBeNull();
	});

	test('a text of a row is text, whatever it holds', async () => {
		const hostile = '<img src=x onerror=alert(1)>';
		show('#/shop-eu/site', { monitorUrl: 'https://site/carrot/' }, (engine) => {
			engine.handlers.set('site.list', () => ({
				ok: true,
				value: {
					items: [
						{
							id: 1,
							uuid: 'u',
							status: 'FAILED',
							task: hostile,
							queue: hostile,
							exchange: '',
							routingKey: '',
							priority: 0,
							exception: hostile,
							publishedAt: NOW,
							failedAt: NOW,
							completedAt: null,
							argsJson: null,
							kwargsJson: null,
							preview: hostile,
							logLines: 0,
							taskId: null,
						},
					],
					total: 1,
					page: 1,
					more: false,
					at: NOW,
					unreadable: [hostile],
				},
			}));
		});
		const grid = await screen.findByRole('grid', { name: 'Rows of the site' });
		expect(grid.textContent).toContain(hostile);
		expect(document.querySelector('img')).toBeNull();
	});
});
