/** The carrot sites of this engine: one client and one mirror per profile with a monitor, made when first needed, made anew after an edit that concerns them. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { createSiteClient, type SiteClient } from '#main/monitor/carrot-site/client.ts';
import { createMirror, type SiteMirror } from '#main/monitor/carrot-site/mirror.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { HistoryStore } from '#main/store/store.ts';
import { readCredentials } from './monitor-settings.ts';
import { PerProfile } from './per-profile.ts';
import type { Ports } from './ports.ts';

/** What is kept of a site. */
interface Live {
	readonly client: SiteClient;
	readonly mirror: SiteMirror;
	/** The most consumers of the site that were seen in each queue, and when; in this process. */
	readonly mostConsumers: Map<string, { readonly count: number; readonly at: number }>;
}

export interface Site extends Live {
	/** As it was when the site was asked for. */
	readonly profile: Profile;
	readonly url: string;
}

export interface Sites extends AsyncDisposable {
	/** The site of a profile; `unsupported` when it has no monitor. */
	of(profile: Profile): Result<Site>;
}

/** Keeps the sites of one engine. */
export function createSites(ports: Ports, profiles: Profiles, history: HistoryStore): Sites {
	const { clock, log } = ports;
	const mostConsumers = new Map<ProfileId, Live['mostConsumers']>();
	const live = new PerProfile<Live>({
		madeOf: siteMadeOf,
		make(profile) {
			const client = createSiteClient({
				base: profile.monitorUrl ?? '',
				tls: profile.monitorTls ?? null,
				credentials: async () => {
					const secret = await profiles.secret(profile.id, 'monitor');
					return secret.ok ? ok(readCredentials(secret.value)) : secret;
				},
				clock,
				agent: `Warren/${ports.version}`,
			});
			const mirror = createMirror({ profile: profile.id, dialect: profile.dialect, client, history, clock });
			const most = mostConsumers.get(profile.id) ?? new Map();
			mostConsumers.set(profile.id, most);
			return { client, mirror, mostConsumers: most };
		},
		close: ({ client }) => client[Symbol.dispose](),
		onCloseFailed: (id, error) => log.warn('site.close-failed', { profile: id, reason: String(error) }),
	});
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
			return ok({ ...live.of(profile), profile, url: profile.monitorUrl });
		},
		[Symbol.asyncDispose]: () => live[Symbol.asyncDispose](),
	};
}

/** All of a profile that its site is made of. */
export function siteMadeOf({ framework, monitorUrl, monitorTls, dialect, secretsAt }: Profile): string {
	return JSON.stringify([framework, monitorUrl, monitorTls, dialect, secretsAt]);
}
