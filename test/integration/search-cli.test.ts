/** The query language and saved views by the command line, over the sandbox's own history. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';

interface Listed {
	readonly items: readonly { readonly name: string; readonly [key: string]: unknown }[];
	readonly total: number;
}
const home = mkdtempSync(join(tmpdir(), 'warren-search-'));
const warren = <T>(...args: readonly string[]) => warrenJson<T>(home, ['--profile', 'sandbox', ...args]);
const fails = (...args: readonly string[]) =>
	warren(...args).then(
		() => expect.fail(`"${args.join(' ')}" should have been refused`),
		(error: unknown) => String(error),
	);

beforeAll(async () => {
	for (const name of ['billing.tasks.charge', 'billing.tasks.refund', 'mail.tasks.send']) {
		const made = ['task', 'publish', name, '--queue', 'default', '--kwargs', '{"customer": {"city": "Oslo"}}'];
		await warren(...made, '--count', '2');
	}
}, 120_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('queries on the command line', () => {
	test('are said back as they are read, or refused at their place', async () => {
		expect(await warren('query', 'check', 'a', '-is:failed', 'args[0]:1')).toEqual({
			problem: null,
			normal: 'a -state:failed args.0:1',
		});
		expect(await warren('query', 'check', 'x qeue:y')).toMatchObject({
			normal: null,
			problem: { position: 2, length: 4, message: expect.stringContaining('Did you mean queue?') },
		});
		expect(await fails('task', 'list', 'qeue:y')).toContain('Did you mean queue?');
	});

	test('are completed with what there is, counted within the rest of the query', async () => {
		const suggested = await warren<{ items: readonly { text: string; count: number }[] }>(
			...['query', 'suggest', 'kwargs.customer.city:Oslo', 'app:'],
		);
		expect(suggested.items.map(({ text, count }) => [text, count]).slice(0, 2)).toEqual([
			['billing', 4],
			['mail', 2],
		]);
		const paths = await warren<Listed>('query', 'suggest', 'kwargs.customer.');
		expect(paths.items).toMatchObject([{ text: 'kwargs.customer.city:', count: 6 }]);
		const fields = await warren<Listed>('query', 'fields');
		expect(fields.items.map(({ name }) => name)).toContain('traceback');
	});
});

describe('saved views', () => {
	test('keep a query and its order, for one profile or all, until they are removed', async () => {
		await warren('view', 'save', 'bills', 'app:billing', '--sort', 'name', '--ascending');
		await warren('view', 'save', 'everything of Oslo', 'kwargs.customer.city:Oslo', '--everywhere');
		const views = await warren<Listed>('view', 'list');
		expect(views.items.map(({ name, profile }) => [name, profile === null])).toEqual([
			['bills', false],
			['everything of Oslo', true],
		]);
		const listed = await warren<Listed>('task', 'list', '--view', 'bills');
		expect(listed.items.map(({ name }) => name)).toEqual([
			...['billing.tasks.charge', 'billing.tasks.charge', 'billing.tasks.refund', 'billing.tasks.refund'],
		]);
		expect(await warren('task', 'count', 'refund OR send', '--view', 'bills')).toEqual({ total: 2 });

		await warren('view', 'save', 'bills', 'app:mail');
		expect(await warren('task', 'count', '--view', 'bills')).toEqual({ total: 2 });
		await warren('view', 'remove', 'bills');
		const refused = await fails('task', 'list', '--view', 'bills');
		expect(refused).toContain('There is no saved view');
		expect(refused).toContain('everything of Oslo');
	});

	test('are not saved with a query that does not parse, and their brackets cannot be ended from outside', async () => {
		expect(await fails('view', 'save', 'broken', 'state:')).toContain('nothing after state:');
		await warren('view', 'save', 'mail', 'app:mail');
		expect(await fails('task', 'count', 'x) OR (y', '--view', 'mail')).toContain('no ( before it');
	});
});
