/** What one look at a Redis tells of django-q's sites there: which to offer, and what the doctor says of clusters and signatures. Pure. */
import type { ClusterReport } from '#main/domain/cluster.ts';
import { cacheLead, type DjangoCache, formatDjangoCache } from '#main/domain/django-cache.ts';
import type { DoctorStep } from '#main/domain/profile.ts';

/** A site that can be offered: clusters beat under its name. */
export interface FoundSite {
	/** `Q_CLUSTER["name"]`. */
	readonly name: string;
	readonly clusters: number;
	readonly hosts: readonly string[];
	/** Whether the key verifies its heartbeats; null: no key was given. */
	readonly verified: boolean | null;
	/** `KEY_PREFIX:VERSION` of the cache in which they beat; null: beside their queue. */
	readonly cache: string | null;
}

type Verdict = Pick<DoctorStep, 'step' | 'status' | 'finding' | 'cure'>;

/** Names that are spelled out in a sentence. */
const NAMED = 10;

/** The sites whose clusters beat, by name. `cache`: where this was looked at. */
export function sitesOf(report: ClusterReport, cache: DjangoCache | null = null): readonly FoundSite[] {
	return [...Map.groupBy(report.beats, ({ prefix }) => prefix)]
		.map(([name, beats]): FoundSite => {
			const checked = beats.map(({ verified }) => verified);
			return {
				name,
				clusters: beats.length,
				hosts: [...new Set(beats.map(({ host }) => host))].sort(),
				verified: checked.includes(null) ? null : checked.every((right) => right === true),
				cache: cache === null ? null : formatDjangoCache(cache),
			};
		})
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The doctor's last two steps. `named`: the sites that the profile names; empty: all. `keyed`: it has a SECRET_KEY. `cache`: the clusters beat
 * in it.
 */
export function clusterVerdicts(
	report: ClusterReport,
	named: readonly string[],
	keyed: boolean,
	cache: DjangoCache | null = null,
): readonly Verdict[] {
	const sites = sitesOf(report, cache);
	const ours = named.length === 0 ? sites : sites.filter(({ name }) => named.includes(name));
	return [presenceOf(ours, sites, named, cache), signatureOf(report, ours, keyed)];
}

function presenceOf(
	ours: readonly FoundSite[],
	all: readonly FoundSite[],
	named: readonly string[],
	cache: DjangoCache | null,
): Verdict {
	const lead = cache === null ? '' : cacheLead(cache);
	if (ours.length > 0) {
		const words = ours
			.slice(0, NAMED)
			.map(({ name, clusters, hosts }) => `"${name}" (${clusters} on ${hosts.slice(0, NAMED).join(', ')})`);
		const finding = `Clusters beat under ${words.join(', ')}, in the keys ${lead}django_q:<name>:cluster:<id>.`;
		const silent = named.filter((name) => !ours.some((site) => site.name === name));
		if (silent.length === 0) return { step: 'clusters', status: 'passed', finding, cure: null };
		const cure = `None beats under ${quoted(silent)}: it has stopped, or is called otherwise.`;
		return { step: 'clusters', status: 'warning', finding, cure };
	}
	if (named.length > 0 && all.length > 0) {
		const others = all.map(({ name }) => name);
		return {
			step: 'clusters',
			status: 'warning',
			finding: `No cluster beats under ${quoted(named)}, but some do under ${quoted(others)}.`,
			cure: `The prefix is the name in Q_CLUSTER, "default" where none is given. Is it one of those? Give it with --prefix.`,
		};
	}
	return {
		step: 'clusters',
		status: 'warning',
		finding:
			named.length > 0
				? `No cluster beats under ${quoted(named)} (keys ${lead}django_q:<name>:cluster:<id>).`
				: `No cluster of django-q's beats in this ${cache === null ? 'database' : 'cache'}.`,
		cure:
			cache !== null
				? 'Start one with "manage.py qcluster". Where one runs, check that Q_CLUSTER\'s "cache" (else "default") is this Redis, database, KEY_PREFIX and VERSION. With Redis as its broker a cluster beats beside its queue: then leave the cache out.'
				: 'Start one with "manage.py qcluster". Where one runs, check the number of the database in Q_CLUSTER\'s "redis"; with another broker clusters beat in Django\'s cache: give its Redis, and --cache.',
	};
}

function signatureOf(report: ClusterReport, ours: readonly FoundSite[], keyed: boolean): Verdict {
	if (!keyed) {
		return {
			step: 'signature',
			status: 'skipped',
			finding: 'No SECRET_KEY was given: packets and heartbeats are shown, not checked, and none can be written.',
			cure: null,
		};
	}
	if (ours.length === 0) {
		const finding = 'There is no heartbeat to try the SECRET_KEY on.';
		return { step: 'signature', status: 'skipped', finding, cure: null };
	}
	const names = new Set(ours.map(({ name }) => name));
	const beats = report.beats.filter(({ prefix }) => names.has(prefix));
	const wrong = beats.filter(({ verified }) => verified !== true);
	if (wrong.length === 0) {
		const digests = [...new Set(beats.flatMap(({ digest }) => digest ?? []))];
		const finding = `The SECRET_KEY verifies all ${beats.length} heartbeats (${digests.join(', ')}).`;
		return { step: 'signature', status: 'passed', finding, cure: null };
	}
	const [first] = wrong;
	const odd = report.odd.find(({ key }) => key === `django_q:${first?.prefix}:cluster:${first?.clusterId}`);
	return {
		step: 'signature',
		status: 'failed',
		finding: `${wrong.length} of ${beats.length} heartbeats do not verify.`,
		cure: odd?.reason ?? (report.odd[0]?.reason || null),
	};
}

function quoted(names: readonly string[]): string {
	return names
		.slice(0, NAMED)
		.map((name) => `"${name}"`)
		.join(', ');
}
