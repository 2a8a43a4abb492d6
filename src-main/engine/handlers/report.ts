/** Handlers of the reports' routes. */
import { readMoment } from '#main/domain/query-values.ts';
import { REPORTS } from '#main/domain/report.ts';
import { isZone } from '#main/domain/report-buckets.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';
import { keptReport } from '../kept-reports.ts';
import { appNameHandlers } from './app-names.ts';

export function reportHandlers(
	core: Core,
): Pick<CallHandlers, 'report.list' | 'report.show' | 'report.apps' | 'report.map'> {
	return {
		...appNameHandlers(core),
		'report.list': async () => ok({ items: REPORTS, total: REPORTS.length }),
		'report.show': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const span = readSpan(input, core.ports.clock.now());
			if (!span.ok) return span;
			const zone = input.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
			if (!isZone(zone)) {
				return fail('invalid-input', `zone: there is no time zone "${zone}". Name one like Europe/Berlin, or UTC.`, {
					details: { field: 'zone' },
				});
			}
			const { settings } = await core.taskLog.view(profile.value.id);
			const { name, query, bucket, since, until } = input;
			// "24h" is the same question a minute later; "today" is another one tomorrow.
			const day = /day|tomorrow/i.test(since + until) ? new Date(core.ports.clock.now()).toDateString() : null;
			const same = {
				...{ bucket, zone, compatible: input.compatible === true },
				...{ top: input.top ?? settings.reportsTop, appNames: profile.value.appNames ?? [] },
			};
			const question = {
				...{ profile: profile.value.id, name, asked: { query, since, until, ...same, day } },
				...{ maxAgeMs: settings.reportsMaxAgeMinutes * 60_000, fresh: input.fresh === true },
			};
			return keptReport(core.store.watching, core.ports.clock, question, () =>
				core.store.history.report({ profile: profile.value.id, name, query, options: { ...span.value, ...same } }),
			);
		},
	};
}

type Span = { readonly since: number; readonly until: number };

/** `until` names a moment or a span, whose end counts: until:today has all of today. */
function readSpan(input: HandlerInput<'report.show'>, now: number): Result<Span> {
	const since = input.since.toLowerCase() === 'all' ? { start: 0 } : readMoment(input.since, now, true);
	const until = readMoment(input.until, now, true);
	if (since === null) return refused('since', input.since, ', or all');
	if (until === null) return refused('until', input.until, '');
	if (since.start >= until.end) {
		return fail('invalid-input', 'since: is not before until.', { details: { field: 'since' } });
	}
	return ok({ since: since.start, until: until.end });
}

function refused(field: string, text: string, more: string): Result<never> {
	return fail(
		'invalid-input',
		`${field}: "${text}" is no time. Write 2h, 7d, today, 2026-11-20 or 2026-11-20T08:30${more}.`,
		{ details: { field } },
	);
}
