/**
 * Reports that were computed already, kept with the profile for as long as it says, so that every console and every command of the home
 * shows the same one and history is gone through once. What is kept says when it was computed.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Report, ReportName } from '#main/domain/report.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { WatchStore } from '#main/store/store.ts';

/** Answers of each report that are kept at most: as many as ways to ask for it that are looked at in turn. */
const EACH = 4;
/** Longer ones are computed every time. */
const MOST_CHARS = 500_000;

/** A report and when it was computed, epoch ms. */
export type ComputedReport = Report & { readonly computedAt: number };

export interface ReportQuestion {
	readonly profile: ProfileId;
	readonly name: ReportName;
	/** Everything that the answer depends on, times as they were asked for: "24h" is the same question a minute later. */
	readonly asked: object;
	/** 0: none is kept and none is given. */
	readonly maxAgeMs: number;
	/** Computed anew, whatever is kept; and then kept. */
	readonly fresh: boolean;
}

/** The answer that is kept for a question, where it is young enough, else a new one. */
export async function keptReport(
	watching: WatchStore,
	clock: Clock,
	{ profile, name, asked, maxAgeMs, fresh }: ReportQuestion,
	compute: () => Promise<Result<Report>>,
): Promise<Result<ComputedReport>> {
	const kind = `report:${name}`;
	const key = createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 22);
	if (maxAgeMs > 0 && !fresh) {
		const now = clock.now();
		const kept = (await watching.list(profile, kind, EACH)).find((note) => note.key === key);
		// One from the future was made before the clock was set back: how old it is nobody knows.
		if (kept !== undefined && kept.at <= now && now - kept.at < maxAgeMs) return ok(JSON.parse(kept.body));
	}
	const computed = await compute();
	if (!computed.ok) return computed;
	const report: ComputedReport = { ...computed.value, computedAt: Math.trunc(clock.now()) };
	if (maxAgeMs > 0) {
		const body = JSON.stringify(report);
		if (body.length <= MOST_CHARS) await watching.put(profile, kind, [{ key, at: report.computedAt, body }], EACH);
	}
	return ok(report);
}
