/** A site of django-q's as a person may have it: three clusters of which one is lost, and some hundred packets that wait. */
import type { Page } from 'playwright-core';
import { must } from './brokers.ts';
import { warren } from './cli.ts';
import type { ServedConsole } from './console.ts';
import { startBeating } from './heartbeats.ts';
import { openKeyspace } from './keyspaces.ts';
import { packetText } from './packets.ts';
import { startRedis } from './redis.ts';

const SITE = { prefix: 'shop', secretKey: 'a secret of this scene' };
const HOUR = 3_600_000;
const CLUSTERS = [
	{ digit: '1', host: 'worker-1.shop.example', status: 'Working', taskQueue: 7, resultQueue: 2, reincarnations: 3 },
	{ digit: '2', host: 'worker-2.shop.example', status: 'Idle', taskQueue: 0, resultQueue: 0, reincarnations: 0 },
	{ digit: '3', host: 'worker-3.shop.example', status: 'Working', taskQueue: 4, resultQueue: 0, reincarnations: 1 },
] as const;
const CALLS = ['shop.stock.count', 'shop.mails.send', 'shop.orders.charge', 'reports.daily'] as const;
const WAITING = 320;

export interface DjangoQScene extends AsyncDisposable {
	/** Has every cluster beat. */
	beat(): Promise<void>;
	/** The last cluster goes without a word. The page must have seen it beat. */
	lose(): Promise<void>;
}

/** Makes it, with a profile `django-q-shop` on the served console. */
export async function setDjangoQScene(served: Pick<ServedConsole, 'home'>): Promise<DjangoQScene> {
	await using stack = new AsyncDisposableStack();
	const redis = stack.use(await startRedis({ own: true }));
	const keyspace = stack.use(await openKeyspace(redis.url));
	const beating = stack.use(startBeating(keyspace, SITE));
	const now = Date.now();
	const idOf = (digit: string): string => `${digit.repeat(8)}-56a1-43f5-9dc6-${digit.repeat(12)}`;
	const beat = async (): Promise<void> => {
		for (const { digit, ...facts } of CLUSTERS)
			await beating.beat({ ...facts, id: idOf(digit), workers: [5_001, 5_002, 5_003, 5_004], bornAt: now - 3 * HOUR });
	};
	await beat();
	const packets = Array.from({ length: WAITING }, (_, n) =>
		packetText(n === 7 ? { ...SITE, secretKey: 'not the key' } : SITE, {
			id: (n + 1).toString(16).padStart(32, '0'),
			name: CALLS[n % CALLS.length] ?? CALLS[0],
			argument: 88_000 + n,
			group: n % CALLS.length === 1 ? 'newsletter' : null,
			at: now - (WAITING - n) * 1_000,
		}),
	);
	must(await keyspace.call('RPUSH', `django_q:${SITE.prefix}:q`, ...packets));
	const words = ['profile', 'add', 'django-q-shop', '--framework', 'django-q', '--broker', redis.url];
	const site = ['--prefix', SITE.prefix, '--secret-key-stdin'];
	const added = await warren(served.home, [...words, ...site], { stdin: `${SITE.secretKey}\n` });
	if (added.code !== 0) throw new Error(`The profile of the scene was refused: ${added.stderr}`);
	const kept = stack.move();
	return {
		beat,
		lose: () => beating.silence(idOf('3')),
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}

/** Its pictures, in the order they are taken. */
export const DJANGO_Q_VIEWS = [
	{
		name: 'clusters',
		place: 'django-q-shop/workers',
		async ready(page: Page, scene: DjangoQScene): Promise<void> {
			const table = page.getByRole('table', { name: 'Clusters' });
			await scene.beat();
			await table.getByRole('row').filter({ hasText: '33333333' }).getByText('Working').waitFor();
			await scene.lose();
			await table.getByRole('row').filter({ hasText: '33333333' }).getByText('Lost').waitFor();
		},
	},
	{
		name: 'packets',
		place: 'django-q-shop/queues',
		async ready(page: Page): Promise<void> {
			await page.getByRole('table', { name: 'Queues' }).getByRole('button', { name: 'Look inside' }).first().click();
			const grid = page.getByRole('grid', { name: 'Packets in shop' });
			await grid.getByText('shop.mails.send').first().waitFor();
			await grid.getByText('▲ wrong').waitFor();
		},
	},
] as const;
