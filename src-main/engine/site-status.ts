/** Which doors to a site are open, and what each is good for. */
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { SiteDoorView, SiteFeatures, SiteStatus, SiteTab } from '#main/domain/site.ts';
import { SITE_TABS } from '#main/domain/site.ts';
import type { SiteDatabaseDoor } from '#main/monitor/carrot-site/database.ts';
import { type Core, target } from './core.ts';
import type { Site, Sites } from './sites.ts';

const BROKER_MS = 5_000;

/** Tries every door. None of them being open is an answer, not a failure. */
export async function siteStatus(
	core: Core,
	sites: Sites,
	profile: Profile,
	database: Result<SiteDatabaseDoor> | null,
): Promise<Result<SiteStatus>> {
	const site = sites.of(profile);
	if (!site.ok && profile.framework !== 'carrot') return site;
	const warnings: string[] = [];
	const seen = site.ok ? await lookAt(site.value, warnings) : null;
	const monitor: SiteDoorView =
		seen === null
			? { door: 'monitor', state: 'not-set', words: site.ok ? '' : site.error.message }
			: seen.problem === null
				? {
						door: 'monitor',
						state: 'open',
						words: `Lists, requeues and deletes rows, edits schedules (${seen.features?.release}).`,
					}
				: { door: 'monitor', state: 'closed', words: seen.problem };
	return ok({
		url: profile.monitorUrl,
		doors: [monitor, await brokerDoor(core, profile), await databaseDoor(database)],
		features: seen?.features ?? null,
		counts: seen?.counts ?? null,
		login: site.ok ? site.value.client.login() : 'unknown',
		warnings,
		at: core.ports.clock.now(),
	});
}

interface Seen {
	readonly features: SiteFeatures | null;
	readonly counts: Readonly<Record<SiteTab, number>> | null;
	readonly problem: string | null;
}

async function lookAt(site: Site, warnings: string[]): Promise<Seen> {
	const features = await site.client.features();
	if (!features.ok) return { features: null, counts: null, problem: features.error.message };
	const counts: Record<SiteTab, number> = { published: 0, failed: 0, completed: 0 };
	let zoned = true;
	for (const tab of SITE_TABS) {
		const page = await site.mirror.page(tab, 1, '');
		if (!page.ok) return { features: features.value, counts: null, problem: page.error.message };
		counts[tab] = page.value.total;
		if (page.value.items.some((row) => row.utcOffset === null)) zoned = false;
	}
	if (site.client.login() === 'none') {
		warnings.push(
			'The monitor asks for no login: everybody who reaches it can purge, requeue and delete, and read the password of its broker. Set monitor_authentication on the site.',
		);
	} else if (site.url.startsWith('http:') && !/^http:\/\/(?:localhost|127\.|\[::1\])/.test(site.url)) {
		warnings.push("The monitor's user and password travel unencrypted (http).");
	}
	if (!zoned) {
		warnings.push('The site prints times without a zone, and none of its logs tells which: they are taken as UTC.');
	}
	return { features: features.value, counts, problem: null };
}

async function brokerDoor(core: Core, profile: Profile): Promise<SiteDoorView> {
	const ready = await target(core, profile).driver.ready(BROKER_MS);
	return ready.ok
		? {
				door: 'broker',
				state: 'open',
				words: 'Tells what waits and who consumes; messages can be looked at and removed.',
			}
		: { door: 'broker', state: 'closed', words: ready.error.message };
}

async function databaseDoor(database: Result<SiteDatabaseDoor> | null): Promise<SiteDoorView> {
	if (database === null) {
		const words =
			"Without the site's project and settings, rows whose arguments hold commas cannot be requeued. A consumer with --settings updates the site's rows in any case.";
		return { door: 'database', state: 'not-set', words };
	}
	const checked = database.ok ? await database.value.check() : database;
	return checked.ok
		? { door: 'database', state: 'open', words: `Rows can be written (${checked.value.rows} there).` }
		: { door: 'database', state: 'closed', words: checked.error.message };
}
