/** Handlers of the routes about figures over time. */
import type { FigureKind, FigureName, FigureSettings, FigureSubject } from '#main/domain/figure.ts';
import type { Profile } from '#main/domain/profile.ts';
import { readMoment } from '#main/domain/query-values.ts';
import type { BucketSize } from '#main/domain/report.ts';
import { isZone } from '#main/domain/report-buckets.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ClusterFigures } from '#main/ipc/contract/figure.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import type { FigureRequest } from '#main/store/store.ts';
import type { Core } from '../core.ts';
import type { FigureSampler } from '../figure-sampler.ts';

const DAY_MS = 86_400_000;
/** Clusters of which the ends of ids are compared. */
const MOST_CLUSTERS = 1_000;

type Name = 'queue.history' | 'cluster.history' | 'queue.sampling' | 'queue.sample';

interface Asked {
	readonly since: string;
	readonly until: string;
	readonly bucket: BucketSize;
	readonly zone?: string | undefined;
	readonly figures?: readonly FigureName[] | undefined;
	readonly limit: number;
}

export function figureHandlers(core: Core, sampler: FigureSampler): Pick<CallHandlers, Name> {
	const now = () => core.ports.clock.now();

	async function ask(profile: Profile, kind: FigureKind, name: string | null, request: FigureRequest) {
		const { minuteDays } = await sampler.settings(profile.id);
		return core.store.figures.history({ ...request, kind, name }, now() - minuteDays * DAY_MS);
	}
	function requestOf(profile: Profile, input: Asked): Result<FigureRequest> {
		const since = readMoment(input.since, now(), true);
		const until = readMoment(input.until, now(), true);
		if (since === null) return refused('since', input.since);
		if (until === null) return refused('until', input.until);
		if (since.start >= until.end) {
			return fail('invalid-input', 'since: is not before until.', { details: { field: 'since' } });
		}
		const zone = input.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
		if (!isZone(zone)) {
			return fail('invalid-input', `zone: there is no time zone "${zone}". Name one like Europe/Berlin, or UTC.`, {
				details: { field: 'zone' },
			});
		}
		const { bucket, limit } = input;
		const figures = input.figures ?? null;
		return ok({
			profile: profile.id,
			kind: 'queue',
			name: null,
			figures,
			since: since.start,
			until: until.end,
			bucket,
			zone,
			limit,
		});
	}

	return {
		'queue.history': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const request = requestOf(profile.value, input);
			return request.ok ? ask(profile.value, 'queue', input.queue ?? null, request.value) : request;
		},
		'cluster.history': async (input) => {
			const found = await core.profiles.find(input.profile);
			if (!found.ok) return found;
			const profile = found.value;
			if (profile.framework !== 'django-q') {
				return fail('unsupported', `"${profile.name}" is a profile of ${profile.framework}; clusters are django-q's.`);
			}
			const request = requestOf(profile, input);
			if (!request.ok) return request;
			const { cluster } = input;
			const limit = cluster === undefined ? request.value.limit : MOST_CLUSTERS;
			const clusters = await ask(profile, 'cluster', null, { ...request.value, limit });
			if (!clusters.ok) return clusters;
			const queues = await ask(profile, 'queue', null, {
				...request.value,
				limit: MOST_CLUSTERS,
				figures: ['ready', 'oldestAgeMs'],
			});
			if (!queues.ok) return queues;
			const items = clusters.value.items.filter(({ name }) => cluster === undefined || name.endsWith(cluster));
			return ok({
				...clusters.value,
				items: items.map((item) => ({ ...item, ...queueBehind(profile, queues.value.items) })),
				total: cluster === undefined ? clusters.value.total : items.length,
			});
		},
		'queue.sampling': async (input) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? ok(await sampler.standing(profile.value.id)) : profile;
		},
		'queue.sample': async ({ profile: name, on, off, ...change }) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			if (on === true && off === true) return fail('invalid-input', 'Give either --on or --off, not both.');
			const given = Object.entries(change).filter(([, value]) => value !== undefined);
			const switched = on === true ? { on: true } : off === true ? { on: false } : {};
			if (given.length === 0 && on !== true && off !== true) {
				return fail(
					'invalid-input',
					'Say what is to change: --on, --off, --every-seconds, --minute-days or --hour-days. "queue sampling" shows how it is.',
				);
			}
			const settings: Partial<FigureSettings> = { ...Object.fromEntries(given), ...switched };
			return sampler.set(profile.value.id, settings);
		},
	};
}

/**
 * The queue that clusters of a site take from: a heartbeat does not name it (django-q2 #139), but unless a site says otherwise it has the
 * site's own name. Where there is one queue alone, it is that.
 */
function queueBehind(profile: Profile, queues: readonly FigureSubject[]): Pick<ClusterFigures, 'queue' | 'queueBy'> {
	const prefixes = profile.djangoQ?.prefixes ?? [];
	const named = queues.filter(({ name }) => prefixes.includes(name));
	const [one] = named;
	if (prefixes.length === 1 && one !== undefined && named.length === 1) return { queue: one, queueBy: 'name' };
	const [only] = queues;
	return only !== undefined && queues.length === 1 ? { queue: only, queueBy: 'only' } : { queue: null, queueBy: null };
}

export function figureStreams(core: Core, sampler: FigureSampler): Pick<StreamHandlers, 'queue.watch'> {
	return {
		'queue.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const key = profile.value.id;
			let first = true;
			const run = await sampler.run(profile.value, ({ round, trouble }) => {
				const item = { key, ...round, trouble };
				if (first) sink.snapshot([item]);
				else sink.put([item]);
				first = false;
			});
			if (!run.ok) return run;
			void run.value.ended.then(() => sink.end());
			return ok({
				[Symbol.dispose]() {
					Promise.resolve(run.value[Symbol.asyncDispose]()).catch((error: unknown) => {
						core.ports.log.warn('figures.end-failed', { profile: key, reason: String(error) });
					});
				},
			});
		},
	};
}

function refused(field: string, text: string): Result<never> {
	return fail('invalid-input', `${field}: "${text}" is no time. Write 2h, 7d, today, 2026-11-20 or 2026-11-20T08:30.`, {
		details: { field },
	});
}
