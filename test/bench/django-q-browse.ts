/**
 * Memory and time of an engine that browses a list of django-q's by the routes that screens and command line use: first and last pages, a
 * page behind a filter that finds nothing, the groups, all pages. In a process of its own, so that nothing else is counted. Arguments:
 * Redis URL, queue, how many, secret key.
 */
import { bootEngine } from '#test/support/engine.ts';

const [url = '', queue = '', given = '', secretKey = ''] = process.argv.slice(2);
const count = Number(given);
const WINDOW = 500;
/** Peak so far: `maxRSS` is in KiB. */
const peakMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);
const said: Record<string, number> = {};

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
	const started = performance.now();
	const answer = await work();
	said[name] = Math.round((performance.now() - started) * 10) / 10;
	return answer;
}

async function warren(): Promise<void> {
	await using engine = await bootEngine();
	await engine.call('profile.add', { name: 'shop', framework: 'django-q', broker: url, prefix: [queue], secretKey });
	const site = { profile: 'shop', queue };
	await engine.call('packet.list', { ...site, limit: 1 });
	said.idleMiB = peakMiB();
	const page = async (name: string, from: number, more: { readonly func?: string } = {}) =>
		await timed(name, () => engine.call('packet.list', { ...site, from, limit: 50, ...more }));
	await page('firstPageMs', 0);
	const last = await page('lastPageMs', count - 50);
	if (last.items.length !== 50 || last.items.some(({ packet }) => packet?.signature.verified !== true)) {
		throw new Error('The last page is not 50 verified packets.');
	}
	const none = await page('filterMs', 0, { func: 'nobody.has.this' });
	said.filterScanned = none.scanned;
	await timed('showLastMs', () =>
		engine.call('packet.show', { ...site, id: last.items.at(-1)?.task?.messageId ?? '', instructions: 100 }),
	);
	const groups = await timed('groupsMs', () => engine.call('packet.groups', { ...site, by: 'group' }));
	said.groupsCounted = groups.total;
	await timed('allMs', async () => {
		let seen = 0;
		for (let from: number | null = 0; from !== null; ) {
			const some: { readonly items: readonly unknown[]; readonly next: number | null } = await engine.call(
				'packet.list',
				{
					...site,
					from,
					limit: WINDOW,
				},
			);
			seen += some.items.length;
			from = some.next;
		}
		if (seen !== count) throw new Error(`${seen} of ${count} packets were seen.`);
	});
}

await warren();
said.peakMiB = peakMiB();
console.log(JSON.stringify(said));
