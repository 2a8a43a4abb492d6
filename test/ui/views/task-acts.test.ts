/** What is offered for tasks as they stand, and for waiting messages as they are looked at. */
import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, describe, expect, test } from 'vitest';
import { appCommands } from '#renderer/state/app-commands.ts';
import { settle } from '../state/fake-engine.ts';
import { drawConsole } from './drawing.ts';
import { NOW, profile, profileView } from './world.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
});

const celery = [profileView(profile('shop-eu', { framework: 'celery' }))];
function show(hash: string, prepare?: Parameters<typeof drawConsole>[2]): ReturnType<typeof drawConsole> {
	const drawn = drawConsole(hash, celery, prepare);
	open.push(drawn.warren);
	return drawn;
}
const button = async (within: HTMLElement, name: RegExp): Promise<HTMLButtonElement | null> => {
	await waitFor(() => expect(screen.getByRole('complementary')).toBeTruthy());
	return [...within.querySelectorAll('button')].find((one) => name.test(one.textContent?.trim() ?? '')) ?? null;
};
async function footer(hash: string): Promise<HTMLElement> {
	show(hash);
	const drawer = await screen.findByRole('complementary', { name: /^Task ./ });
	const foot = drawer.querySelector('footer');
	if (foot === null) throw new Error('The drawer has no foot.');
	return foot;
}

describe('an open task', () => {
	test('that waits can be revoked and deleted, not sent a second time, and says why', async () => {
		const foot = await footer('#/shop-eu/queued?task=q1');
		expect((await button(foot, /^Requeue/))?.disabled).toBe(true);
		expect((await button(foot, /^Revoke/))?.disabled).toBe(false);
		expect((await button(foot, /^Delete/))?.disabled).toBe(false);
		expect(within(foot).getByText('It still waits in its queue')).toBeTruthy();
	});

	test('that runs can be revoked only', async () => {
		const foot = await footer('#/shop-eu/queued?task=r1');
		expect((await button(foot, /^Requeue/))?.disabled).toBe(true);
		expect((await button(foot, /^Revoke/))?.disabled).toBe(false);
		expect((await button(foot, /^Delete/))?.disabled).toBe(true);
		expect(within(foot).getByText('It is running')).toBeTruthy();
	});

	test('that has ended can be sent again and deleted, and is not offered to be revoked', async () => {
		const foot = await footer('#/shop-eu/failed?part=tasks&task=f2');
		expect((await button(foot, /^Requeue/))?.disabled).toBe(false);
		expect(await button(foot, /^Revoke/)).toBeNull();
		expect((await button(foot, /^Delete/))?.disabled).toBe(false);
	});

	test('is barred by key for the same reason as by click', async () => {
		const { warren, engine } = show('#/shop-eu/queued?task=q1');
		await screen.findByRole('complementary', { name: /^Task ./ });
		const commands = () => appCommands(warren, { focusSearch: () => {}, switchPane: () => {} });
		const may = (id: string) =>
			commands()
				.find((command) => command.id === id)
				?.enabled();
		expect(may('task.requeue')).toBe('It still waits in its queue');
		expect(may('task.revoke')).toBe(true);
		await warren.act('requeue', { ids: ['q1'] });
		expect(engine.called('task.requeue')).toEqual([]);
	});
});

describe('ticked tasks', () => {
	test('are offered for what can be done with one of them at least; else it is said why not', async () => {
		const { warren } = show('#/shop-eu/queued');
		await screen.findByRole('grid');
		await waitFor(() => expect(warren.list?.placeOf('q1')).toBeGreaterThanOrEqual(0));
		warren.list?.selection.set(['q1', 'r1'], true);
		const bar = await screen.findByRole('toolbar', { name: 'Ticked tasks' });
		expect((await within(bar).findByRole<HTMLButtonElement>('button', { name: /^Requeue/ })).disabled).toBe(true);
		expect(within(bar).getByText('Each is running or still waits in its queue')).toBeTruthy();
		expect(within(bar).getByRole<HTMLButtonElement>('button', { name: /^Delete/ }).disabled).toBe(false);
		expect(within(bar).getByRole<HTMLButtonElement>('button', { name: /^Revoke/ }).disabled).toBe(false);
	});
});

/** A look into the queue, with one message of a task. */
function looks(more: Readonly<Record<string, unknown>> = {}): Parameters<typeof drawConsole>[2] {
	return (engine) => {
		const task = { name: 'shop.pay', messageId: 'm1', priority: 0, argsJson: '[1, "two"]', kwargsJson: '{"a": 1}' };
		const message = {
			...{ queue: 'default', print: 'p1', task, editable: true, fault: null, celery: null, raw: btoa('{}') },
			...{ exchange: '', routingKey: 'default', properties: {}, headers: [], redelivered: false, origin: null },
			...more,
		};
		engine.handlers.set('queue.peek', (input) => ({
			ok: true,
			value: {
				items: input.dryRun === true ? [] : [message],
				...{ total: 1, looked: 1, cost: { kind: 'free', words: 'Nothing is touched.' } },
			},
		}));
		engine.handlers.set('message.review', (input) => ({
			ok: true,
			value: {
				...{ token: 't', count: 7, sample: [], skipped: [], warnings: [], origins: [], at: NOW },
				...{ cost: { kind: 'free', words: '' }, action: input.action },
			},
		}));
		const args = [
			{ kind: 'int', text: '1' },
			{ kind: 'str', value: 'two' },
		];
		engine.handlers.set('argument.check', (input) => ({
			ok: true,
			value: {
				...{ args: [], argsProblem: null, kwargsProblem: null, body: '{}' },
				kwargs: String(input.kwargs).startsWith('{"args"')
					? {
							kind: 'dict',
							entries: [
								[
									{ kind: 'str', value: 'args' },
									{ kind: 'list', items: args },
								],
							],
						}
					: { kind: 'dict', entries: [] },
			},
		}));
		engine.handlers.set('message.edit', () => ({
			ok: true,
			value: { done: 1, failed: 0, skipped: 0, cancelled: false, undo: 1, items: [] },
		}));
	};
}
async function look(more: Readonly<Record<string, unknown>> = {}) {
	const { warren, engine } = show('#/shop-eu/queues', looks(more));
	await screen.findByRole('table', { name: 'Queues' });
	warren.ask({ kind: 'peek', queue: 'default' });
	const dialog = await screen.findByRole('dialog', { name: 'Waiting in default' });
	await within(dialog).findByText('shop.pay');
	return { dialog, engine };
}

describe('a look into a queue', () => {
	test('purges all of it, and says so', async () => {
		const { dialog, engine } = await look();
		await fireEvent.click(within(dialog).getByRole('button', { name: 'Purge the queue' }));
		const question = await screen.findByRole('alertdialog', { name: 'Purge 7 messages' });
		expect(within(question).getByText('All that waits in default, whatever it is.')).toBeTruthy();
		expect(engine.called('message.review')[0]?.input).toEqual({
			profile: 'shop-eu',
			queue: 'default',
			action: 'purge',
		});
	});

	test('says how many of all that wait it shows, although it stops at its limit', async () => {
		const { dialog } = await look();
		// The world's queue holds 1,284, of which the look gave one.
		expect(within(dialog).getByText(/^1 of 1,284, next to run first\./)).toBeTruthy();
	});

	test('that is narrowed purges what matches and nothing else, and says which that is', async () => {
		const { dialog, engine } = await look();
		const box = within(dialog).getByLabelText('Search the waiting messages');
		await fireEvent.input(box, { target: { value: 'name:pay' } });
		const form = box.closest('form');
		if (form !== null) await fireEvent.submit(form);
		await fireEvent.click(await within(dialog).findByRole('button', { name: 'Purge all that match' }));
		const question = await screen.findByRole('alertdialog', { name: 'Purge 7 messages' });
		expect(question.textContent).toMatch(/All messages of default that match\s+name:pay/);
		expect(engine.called('message.review')[0]?.input).toMatchObject({ action: 'purge', where: 'name:pay' });
	});
});

describe('the edit of a waiting message', () => {
	async function edit(more: Readonly<Record<string, unknown>> = {}, prepare: () => void = () => {}) {
		const { dialog, engine } = await look(more);
		prepare();
		await fireEvent.click(within(dialog).getByRole('checkbox', { name: /^Choose shop.pay/ }));
		await fireEvent.click(within(dialog).getByRole('button', { name: 'Edit…' }));
		const form = await screen.findByRole('dialog', { name: 'Edit a message of default' });
		const send = within(form).getByRole<HTMLButtonElement>('button', { name: 'Publish and replace' });
		return { form, send, engine };
	}

	test('begins with the arguments as they are, and sends nothing of them that nobody touched', async () => {
		const { form, send, engine } = await edit();
		const args = within(form).getByRole<HTMLInputElement>('textbox', { name: /^Positional/ });
		await waitFor(() => expect(args.value).toBe("1, 'two'"));
		expect(send.disabled).toBe(true);
		await fireEvent.input(within(form).getByRole('textbox', { name: 'Priority' }), { target: { value: '7' } });
		await waitFor(() => expect(send.disabled).toBe(false));
		await fireEvent.click(send);
		await settle();
		expect(engine.called('message.edit')[0]?.input).toEqual({
			...{ profile: 'shop-eu', queue: 'default', id: 'p1', priority: 7 },
		});
	});

	test('never offers arguments that a text cannot say wholly; priority and queue can be changed all the same', async () => {
		const { form, send } = await edit({ editable: false });
		expect(within(form).queryByRole('textbox', { name: /^Positional/ })).toBeNull();
		expect(within(form).getByText(/cannot be edited here/)).toBeTruthy();
		await fireEvent.input(within(form).getByRole('textbox', { name: 'Queue' }), { target: { value: 'other' } });
		await waitFor(() => expect(send.disabled).toBe(false));
	});

	test('does not take what could not be read for no arguments', async () => {
		const { warren, engine } = show('#/shop-eu/queues', looks());
		await screen.findByRole('table', { name: 'Queues' });
		engine.handlers.set('argument.check', () => ({
			ok: false,
			error: { code: 'unreachable', message: 'The engine is away.', retryable: true, ref: 'r' },
		}));
		warren.ask({ kind: 'peek', queue: 'default' });
		const dialog = await screen.findByRole('dialog', { name: 'Waiting in default' });
		await fireEvent.click(await within(dialog).findByRole('checkbox', { name: /^Choose shop.pay/ }));
		await fireEvent.click(within(dialog).getByRole('button', { name: 'Edit…' }));
		const form = await screen.findByRole('dialog', { name: 'Edit a message of default' });
		await within(form).findByText(/The engine is away\./);
		expect(within(form).getByRole<HTMLInputElement>('textbox', { name: /^Positional/ }).disabled).toBe(true);
		expect(within(form).getByRole('button', { name: 'Read its arguments again' })).toBeTruthy();
	});
});
