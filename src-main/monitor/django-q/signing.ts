/** What a site's packets are to be signed with, from what its clusters say of themselves. Pure. */
import type { PacketSite } from '#main/dialects/django-q/message.ts';
import type { ClusterBeat } from '#main/domain/cluster.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';

/**
 * `named`: the prefixes of the profile. `queue`: where the packet is to go; null: to the site's own. Fails (`refused`, `invalid-input`) rather
 * than let a packet be written that clusters would throw away: they take a wrong signature off the list and lose it.
 */
export function siteSigning(facts: {
	readonly profile: string;
	readonly secretKey: string | null;
	readonly named: readonly string[];
	readonly beats: readonly ClusterBeat[];
	readonly queue: string | null;
	readonly now: number;
}): Result<PacketSite> {
	const { profile, secretKey, named, beats, queue, now } = facts;
	if (secretKey === null) {
		return fail(
			'refused',
			`django-q's packets are signed with the site's SECRET_KEY, which "${profile}" does not have. Give it: warren profile edit ${quoted(profile)} --secret-key-stdin. Whoever has it can run code in the workers, so it is kept in the vault only.`,
		);
	}
	const prefix = prefixOf(named, beats, queue);
	if (prefix === null) {
		const seen = [...new Set(beats.map((beat) => beat.prefix))];
		return fail(
			'invalid-input',
			seen.length + named.length === 0
				? `Nothing says what the site is called: no cluster beats, and "${profile}" names none. Give Q_CLUSTER's name: warren profile edit ${quoted(profile)} --prefix NAME.`
				: `Several sites are known here (${[...new Set([...named, ...seen])].join(', ')}): name the one that the packet is for with --queue, or have a profile for each.`,
		);
	}
	const own = beats.filter((beat) => beat.prefix === prefix);
	const proof = own.find(({ verified }) => verified === true);
	if (own.length > 0 && proof === undefined) {
		return fail(
			'refused',
			`The clusters of "${prefix}" sign with another SECRET_KEY than "${profile}" has. They would take the packet, find its signature wrong and lose it, so nothing was sent. Give the profile the key of the site: warren profile edit ${quoted(profile)} --secret-key-stdin.`,
		);
	}
	const base = { prefix, secretKey, now };
	if (proof === undefined || proof.digest === null) {
		const assumed = `No cluster of "${prefix}" beats, so it is taken for granted that the key is right, that the site signs with SHA-256 (Django 3.1 or later) and that it has USE_TZ.`;
		return ok({ ...base, digest: 'sha256', aware: true, assumed });
	}
	return ok({ ...base, digest: proof.digest, aware: proof.aware, assumed: null });
}

function prefixOf(named: readonly string[], beats: readonly ClusterBeat[], queue: string | null): string | null {
	const [only = null, ...more] = named;
	if (only !== null && more.length === 0) return only;
	const all = [...new Set(named.length > 0 ? named : beats.map((beat) => beat.prefix))];
	if (queue !== null && all.includes(queue)) return queue;
	return all.length === 1 ? (all[0] ?? null) : null;
}

function quoted(name: string): string {
	return /^[\w.-]+$/.test(name) ? name : `"${name}"`;
}
