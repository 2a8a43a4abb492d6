/**
 * One driver per profile, made when first needed. Whoever has it keeps it for as long as the profile lives: an edit that concerns the
 * connection, made by whatever process of this home, replaces what is inside it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDriver, type DriverContext } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { StandingDriver } from '#main/brokers/standing-driver.ts';
import { packetIdOf } from '#main/dialects/django-q/message.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { ConnectionState, Profile } from '#main/domain/profile.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { asidesOf } from './celery-settings.ts';
import type { Ports } from './ports.ts';

export interface Deployments extends AsyncDisposable {
	/** The driver of a profile, connecting from now on; the same one until the profile is removed. */
	driver(profile: Profile): BrokerDriver;
	/** Its connection as it is; `idle` while nobody asked for it. */
	connection(id: ProfileId): ConnectionState;
	/** What its broker can do; null while nobody asked for it. */
	capabilities(id: ProfileId): BrokerDriver['capabilities'] | null;
	/** Has a connection that there is go on as the profile says by now. */
	renew(profile: Profile): void;
	/** Has a connection that waits for its next try, or was refused, try at once. */
	reconnect(profile: Profile): void;
	/** Closes the connection of a profile that is removed. */
	forget(id: ProfileId): Promise<void>;
	onConnection(listener: (id: ProfileId) => void): Disposable;
}

/** After the list of profiles could not be read, when to read it again. */
const AGAIN_MS = 5_000;

/** The folder of a profile's own files, made if it is missing; only its owner may look inside. */
export function profileFolder(home: string, id: ProfileId): string {
	const folder = join(home, 'profiles', id);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	return folder;
}

/** What a connection to a profile's broker is made with. */
export function driverContext(ports: Ports, profiles: Profiles, profile: Profile): DriverContext {
	return {
		folder: profileFolder(ports.home, profile.id),
		password: async () => {
			const secret = await profiles.secret(profile.id, 'broker');
			return secret.ok ? secret.value : null;
		},
		clock: ports.clock,
		log: ports.log,
		embeddedThread: ports.embeddedThread,
		clientName: `Warren ${ports.version} (${profile.name})`,
		...(profile.framework === 'celery' ? { asides: asidesOf(profile) } : {}),
		...djangoQContext(profile.framework, profile.djangoQ?.cache !== undefined),
	};
}

/** What a driver and a doctor need to know of a site of django-q's; of other frameworks nothing. `cached`: its clusters beat in a cache. */
export function djangoQContext(
	framework: Profile['framework'] | null,
	cached: boolean,
): Pick<DriverContext, 'packetId' | 'elsewhere'> {
	if (framework !== 'django-q') return {};
	return cached ? { packetId: packetIdOf, elsewhere: true } : { packetId: packetIdOf };
}

/** All of a profile that its connection is made with. */
function madeOf({ broker, framework, name, celery, djangoQ, secretsAt }: Profile): string {
	return JSON.stringify([broker, framework, name, celery, djangoQ, secretsAt]);
}

interface Live {
	readonly driver: StandingDriver;
	readonly watch: Disposable;
	made: string;
	/** `updatedAt` of the newest reading of the profile that its connection is known to be right for. */
	asOf: number;
}

/** Keeps the deployments of one engine. */
export function createDeployments(ports: Ports, profiles: Profiles): Deployments {
	const live = new Map<ProfileId, Live>();
	const listeners = new Set<(id: ProfileId) => void>();
	const { clock, log } = ports;
	let again: Disposable | null = null;
	let ended = false;

	function tell(id: ProfileId): void {
		for (const listener of [...listeners]) listener(id);
	}

	function innerOf(profile: Profile): BrokerDriver {
		return createDriver(profile.broker, driverContext(ports, profiles, profile));
	}

	function renew(profile: Profile): void {
		const entry = live.get(profile.id);
		// Whoever found the profile before it was edited has nothing to say about it any more.
		if (entry === undefined || profile.updatedAt <= entry.asOf) return;
		entry.asOf = profile.updatedAt;
		const made = madeOf(profile);
		if (made === entry.made) return;
		entry.made = made;
		log.info('deployment.edited', { profile: profile.id });
		entry.driver.replace(innerOf(profile));
	}

	/** Edits of other processes of this home are known by their rows alone. */
	async function renewAll(): Promise<void> {
		again?.[Symbol.dispose]();
		again = null;
		if (live.size === 0) return;
		try {
			for (const profile of await profiles.list()) renew(profile);
		} catch (error) {
			log.warn('deployments.unread', { reason: String(error) });
			if (!ended) again ??= clock.after(AGAIN_MS, () => void renewAll());
		}
	}

	const edits = profiles.onChange(() => void renewAll());

	return {
		driver(profile) {
			const existing = live.get(profile.id);
			if (existing !== undefined) {
				renew(profile);
				return existing.driver;
			}
			const driver = new StandingDriver(innerOf(profile), ports);
			const watch = driver.onState(() => tell(profile.id));
			live.set(profile.id, { driver, made: madeOf(profile), asOf: profile.updatedAt, watch });
			driver.connect();
			tell(profile.id);
			return driver;
		},
		connection: (id) => live.get(id)?.driver.state() ?? { kind: 'idle' },
		capabilities: (id) => live.get(id)?.driver.capabilities ?? null,
		renew,
		reconnect(profile) {
			renew(profile);
			const entry = live.get(profile.id);
			const kind = entry?.driver.state().kind;
			if (kind === 'reconnecting' || kind === 'refused') entry?.driver.replace(innerOf(profile));
		},
		async forget(id) {
			const entry = live.get(id);
			live.delete(id);
			entry?.watch[Symbol.dispose]();
			await entry?.driver[Symbol.asyncDispose]();
			tell(id);
		},
		onConnection(listener) {
			listeners.add(listener);
			return { [Symbol.dispose]: () => listeners.delete(listener) };
		},
		async [Symbol.asyncDispose]() {
			ended = true;
			edits[Symbol.dispose]();
			again?.[Symbol.dispose]();
			const all = [...live.values()];
			live.clear();
			for (const { watch } of all) watch[Symbol.dispose]();
			await Promise.all(all.map(({ driver }) => driver[Symbol.asyncDispose]()));
		},
	};
}
