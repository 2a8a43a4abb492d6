/** One live deployment per profile: its broker connection and its consumers, made when first needed, remade when edited. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDriver, type DriverContext } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { packetIdOf } from '#main/dialects/django-q/message.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { ConnectionState, Profile } from '#main/domain/profile.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { asidesOf } from './celery-settings.ts';
import type { Ports } from './ports.ts';

export interface Deployments extends AsyncDisposable {
	/** The driver of a profile, connecting from now on. */
	driver(profile: Profile): BrokerDriver;
	/** Its connection as it is; `idle` while nobody asked for it. */
	connection(id: ProfileId): ConnectionState;
	/** What its broker can do; null while nobody asked for it. */
	capabilities(id: ProfileId): BrokerDriver['capabilities'] | null;
	/** Drops the connection of a profile that was edited or removed. */
	forget(id: ProfileId): Promise<void>;
	onConnection(listener: (id: ProfileId) => void): Disposable;
}

interface Live {
	readonly driver: BrokerDriver;
	/** The address it was made for, to notice an edit. */
	readonly made: string;
	readonly watch: Disposable;
}

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

/** Keeps the deployments of one engine. */
export function createDeployments(ports: Ports, profiles: Profiles): Deployments {
	const live = new Map<ProfileId, Live>();
	const closing = new Set<Promise<void>>();
	const listeners = new Set<(id: ProfileId) => void>();

	function tell(id: ProfileId): void {
		for (const listener of listeners) listener(id);
	}

	function close(id: ProfileId, entry: Live): Promise<void> {
		live.delete(id);
		entry.watch[Symbol.dispose]();
		const closed = Promise.resolve(entry.driver[Symbol.asyncDispose]()).finally(() => closing.delete(closed));
		closing.add(closed);
		return closed;
	}

	return {
		driver(profile) {
			const made = JSON.stringify([profile.broker, profile.updatedAt]);
			const existing = live.get(profile.id);
			if (existing !== undefined && existing.made === made) return existing.driver;
			if (existing !== undefined) void close(profile.id, existing);
			const driver = createDriver(profile.broker, driverContext(ports, profiles, profile));
			const watch = driver.onState(() => tell(profile.id));
			live.set(profile.id, { driver, made, watch });
			driver.connect();
			tell(profile.id);
			return driver;
		},
		connection: (id) => live.get(id)?.driver.state() ?? { kind: 'idle' },
		capabilities: (id) => live.get(id)?.driver.capabilities ?? null,
		async forget(id) {
			const entry = live.get(id);
			if (entry !== undefined) await close(id, entry);
			tell(id);
		},
		onConnection(listener) {
			listeners.add(listener);
			return { [Symbol.dispose]: () => listeners.delete(listener) };
		},
		async [Symbol.asyncDispose]() {
			for (const [id, entry] of [...live]) void close(id, entry);
			await Promise.all(closing);
		},
	};
}
