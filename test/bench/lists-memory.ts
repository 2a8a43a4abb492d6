/**
 * Memory of a process that holds a store and reads lists, in MiB: bare, opened, after pages, after counts. In a process of its own,
 * so that nothing else is counted. Arguments: home, thread module.
 */
import { pathToFileURL } from 'node:url';
import { silentLog } from '#main/domain/log.ts';
import type { TaskSortField } from '#main/domain/page.ts';
import { openStore } from '#main/store/client.ts';
import { PROFILE } from '#test/support/deployment.ts';

const [home = '', thread = ''] = process.argv.slice(2);
const mib = () => Math.round(process.memoryUsage().rss / 2 ** 20);
const said: Record<string, number> = { bare: mib() };
const opened = await openStore({ home, thread: pathToFileURL(thread), log: silentLog });
if (!opened.ok) throw new Error(opened.error.message);
{
	await using store = opened.value;
	said.opened = mib();
	const fields: readonly TaskSortField[] = ['finishedAt', 'name', 'runtimeMs', 'updatedAt', 'state'];
	for (const query of [
		'',
		'state:failed',
		'gateway',
		'order 77',
		'kwargs.customer.city:Oslo',
		'queue:mail',
		'-name:shop',
		'qx',
		'47',
	]) {
		for (const field of fields) {
			await store.history.page({ profile: PROFILE, query, sort: { field, descending: true }, limit: 50, cursor: null });
		}
	}
	said.pages = mib();
	for (const query of ['queue:mail', 'gateway', 'runtime:>10s']) await store.history.count(PROFILE, query);
	said.counts = mib();
}
console.log(JSON.stringify(said));
