/** Reading all of a list that is cut into pages, has no order, and may change while it is read. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SiteSchedule } from '#main/domain/site.ts';
import type { SiteSchedules } from './site-schedules.ts';

/** Every schedule of a site, once each. */
export interface SiteListing {
	readonly rows: readonly SiteSchedule[];
	readonly broken: readonly { readonly reason: string; readonly raw: string }[];
}

/** Far more than a scheduler with a thread for each could run. */
const MOST = 10_000;
const PAGES_MOST = MOST / 50;
const TRIES = 3;

/**
 * Reads the list until one reading of all pages fits together: a row that moves to a page already read is missed, and taking it for
 * removed would remove it here. Failures: those of the site, `busy` when it never held still, `unsupported` when there is no such list.
 */
export async function listSchedules(
	site: Pick<SiteSchedules, 'schedules'>,
	signal?: AbortSignal,
): Promise<Result<SiteListing>> {
	for (let attempt = 0; attempt < TRIES; attempt += 1) {
		const read = await readPages(site, signal);
		if (!read.ok) return read;
		if (read.value !== null) return ok(read.value);
	}
	return fail('busy', 'The list of schedules changed each time it was read. Try again in a moment.');
}

/** One reading of all pages; null: it does not fit together. */
async function readPages(
	site: Pick<SiteSchedules, 'schedules'>,
	signal: AbortSignal | undefined,
): Promise<Result<SiteListing | null>> {
	const rows = new Map<number, SiteSchedule>();
	const broken: { readonly reason: string; readonly raw: string }[] = [];
	let total: number | null = null;
	for (let number = 1; number <= PAGES_MOST; number += 1) {
		const page = await site.schedules(number, signal);
		if (!page.ok) {
			// The list became shorter meanwhile.
			if (number > 1 && page.error.code === 'not-found') return ok(null);
			return page;
		}
		if (page.value.total > MOST) break;
		if (total !== null && total !== page.value.total) return ok(null);
		total = page.value.total;
		for (const row of page.value.items) rows.set(row.id, row);
		broken.push(...page.value.broken);
		if (page.value.more) continue;
		return ok(rows.size + broken.length === total ? { rows: [...rows.values()], broken } : null);
	}
	return fail('unsupported', `The site has more than ${MOST} schedules, or its list has no end: it is not read.`);
}
