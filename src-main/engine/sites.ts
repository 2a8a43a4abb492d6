/** The carrot sites of this engine: one client and one mirror per profile with a monitor, made when first needed, remade when edited. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { createSiteClient, type SiteClient } from '#main/monitor/carrot-site/client.ts';
import { createMirror, type SiteMirror } from '#main/monitor/carrot-site/mirror.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { HistoryStore } from '#main/store/store.ts';
import { readCredentials } from './monitor-settings.ts';
import type { Ports } from './ports.ts';

export interface Site {
	readonly profile: Profile;
	readonly url: string;
	readonly client: SiteClient;
	readonly mirror: SiteMirror;
	/** The most consumers of the site that were seen in each queue, and when; in this process. */
	readonly mostConsumers: Map<string, { readonly count: number; readonly at: number }>;
}

export interface Sites extends Disposable {
	/** The site of a profile; `unsupported` when it has no monitor. */
	of(profile: Profile): Result<Site>;
}

/** Keeps the sites of one engine. */
export function createSites(ports: Ports, profiles: Profiles, history: HistoryStore): Sites {
	const live = new Map<ProfileId, { readonly site: Site; readonly made: string }>();
	return {
		of(profile) {
			if (profile.framework !== 'carrot') {
				return fail('unsupported', `"${profile.name}" is no django-carrot profile, so it has no carrot monitor.`);
			}
			if (profile.monitorUrl === null) {
				return fail(
					'unsupported',
					`The profile "${profile.name}" names no monitor. Set its address: profile edit --monitor https://site/carrot/.`,
					{ details: { field: 'monitor' } },
				);
			}
			const made = JSON.stringify([profile.monitorUrl, profile.updatedAt]);
			const existing = live.get(profile.id);
			if (existing?.made === made) return ok(existing.site);
			existing?.site.client[Symbol.dispose]();
			const client = createSiteClient({
				base: profile.monitorUrl,
				tls: profile.monitorTls ?? null,
				credentials: async () => {
					const secret = await profiles.secret(profile.id, 'monitor');
					return secret.ok ? ok(readCredentials(secret.value)) : secret;
				},
				clock: ports.clock,
				agent: `Warren/${ports.version}`,
			});
			const { clock } = ports;
			const mirror = createMirror({ profile: profile.id, dialect: profile.dialect, client, history, clock });
			const mostConsumers = existing?.site.mostConsumers ?? new Map();
			const site: Site = { profile, url: profile.monitorUrl, client, mirror, mostConsumers };
			live.set(profile.id, { site, made });
			return ok(site);
		},
		[Symbol.dispose]() {
			for (const { site } of live.values()) site.client[Symbol.dispose]();
			live.clear();
		},
	};
}
