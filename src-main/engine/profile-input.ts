/** What a person gives about a profile, read: its broker's address with TLS, carrot's dialect, django-q's sites as given or found. */
import type { Asides } from '#main/brokers/driver.ts';
import { type DjangoCache, readDjangoCache } from '#main/domain/django-cache.ts';
import type { BrokerAddress, ForeignMessages, Profile, TlsOptions } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import { formatBroker, parseBroker } from '#main/profiles/address.ts';
import { asidesOf } from './celery-settings.ts';
import type { Core } from './core.ts';
import { profileFolder } from './deployments.ts';
import { type DiscoveryPlace, discover } from './site-discovery.ts';

type TlsInput = Pick<HandlerInput<'profile.test'>, 'caFile' | 'certFile' | 'keyFile' | 'serverName' | 'insecure'>;

/** Reads an address and lays the TLS fields over it; `old` supplies TLS files that the text can't carry. */
export function readBroker(
	text: string,
	input: TlsInput,
	old?: BrokerAddress,
): Result<{ readonly address: BrokerAddress; readonly password: string | null }> {
	const parsed = parseBroker(text);
	if (!parsed.ok) return parsed;
	const { address, password } = parsed.value;
	if (address.kind === 'embedded') return ok({ address, password });
	const given = [input.caFile, input.certFile, input.keyFile, input.serverName, input.insecure];
	const base: TlsOptions | null = old === undefined || old.kind === 'embedded' ? address.tls : old.tls;
	if (base === null) {
		if (given.every((field) => field === undefined)) return ok({ address, password });
		return fail(
			'invalid-input',
			`Certificates belong to TLS connections. Write the address as ${address.kind === 'redis' ? 'rediss' : 'amqps'}://…`,
			{
				details: { field: 'broker' },
			},
		);
	}
	const tls: TlsOptions = {
		caFile: choose(input.caFile, base.caFile),
		certFile: choose(input.certFile, base.certFile),
		keyFile: choose(input.keyFile, base.keyFile),
		serverName: choose(input.serverName, base.serverName),
		verify: input.insecure === undefined ? base.verify : !input.insecure,
	};
	return ok({ address: { ...address, tls }, password });
}

/** A broker that a framework cannot have is a slip, and better told now than by queues that stay empty. */
export function fitsFramework(framework: Profile['framework'], address: BrokerAddress): Result<void> {
	if (framework !== 'carrot' || address.kind !== 'redis') return ok(undefined);
	return fail(
		'invalid-input',
		'django-carrot works over RabbitMQ only. Is this Celery’s Redis? Then the framework is celery.',
		{
			details: { field: 'framework' },
		},
	);
}

/** Empty text clears, absence keeps. */
function choose(given: string | undefined, old: string | null): string | null {
	if (given === undefined) return old;
	return given === '' ? null : given;
}

/** The dialect of carrot's messages: what was given, laid over what there was. */
export function dialectOf(
	input: Pick<
		HandlerInput<'profile.add'>,
		| 'typeHeader'
		| 'messageType'
		| 'argsKey'
		| 'kwargsKey'
		| 'transient'
		| 'foreignTask'
		| 'foreignTaskKey'
		| 'foreignBody'
		| 'foreignIdKey'
	>,
	old: Profile['dialect'],
): Profile['dialect'] {
	return {
		typeHeader: input.typeHeader ?? old.typeHeader,
		messageType: input.messageType ?? old.messageType,
		argsKey: input.argsKey ?? old.argsKey,
		kwargsKey: input.kwargsKey ?? old.kwargsKey,
		persistent: input.transient === undefined ? old.persistent : !input.transient,
		foreign: foreignOf(input, old.foreign ?? null),
	};
}

/** How messages of other programs are read; nothing is, where neither a task nor a key for one is left. */
function foreignOf(input: Parameters<typeof dialectOf>[0], old: ForeignMessages | null): ForeignMessages | null {
	const task = choose(input.foreignTask, old?.task ?? null);
	const taskKey = choose(input.foreignTaskKey, old?.taskKey ?? null);
	if (task === null && taskKey === null) return null;
	const body = input.foreignBody ?? old?.body ?? 'envelope';
	return { task, taskKey, body, idKey: choose(input.foreignIdKey, old?.idKey ?? null) };
}

/** Where a site of django-q's would be looked for; null: the broker is no Redis. */
export function placeOf({
	address,
	password,
	secretKey,
}: Pick<AddressToTest, 'address' | 'password' | 'secretKey'>): DiscoveryPlace | null {
	return address.kind === 'redis' ? { address, password, secretKey } : null;
}

/** The refusal where there is no Redis to look into. */
export function noRedis(): Result<never> {
	return fail(
		'invalid-input',
		"Only a Redis can be looked into for django-q's clusters: give its address as redis://….",
		{
			details: { field: 'broker' },
		},
	);
}

/** What a profile keeps of a site of django-q's. */
type SiteInput = Pick<HandlerInput<'profile.add'>, 'prefix' | 'queues' | 'cache'>;

/** The sites and queues of a new profile: as given, or as found. */
export async function siteOf(
	core: Core,
	input: HandlerInput<'profile.add'>,
	address: BrokerAddress,
	password: string | null,
): Promise<Result<SiteInput>> {
	if (input.discover !== true) return ok(input);
	if (address.kind !== 'redis' || input.framework !== 'django-q') return noRedis();
	const secretKey = input.secretKey === '' ? null : (input.secretKey ?? null);
	const found = await discover(core.ports, { address, password, secretKey });
	if (!found.ok) return found;
	const { sites, queues } = found.value;
	// Beside queues first: a site that has Redis for its broker can be seen whole.
	const caches = [...new Set(sites.flatMap(({ cache }) => cache ?? []))];
	const beside = sites.filter(({ cache }) => cache === null);
	const wanted = input.cache === undefined ? null : input.cache;
	if (wanted === null && beside.length + queues.length === 0 && caches.length > 1) {
		return fail(
			'invalid-input',
			`cache: Clusters beat in several caches of this Redis, so nothing was saved. Say which with --cache: ${caches.map((cache) => `"${cache}"`).join(', ')}.`,
			{ details: { field: 'cache' } },
		);
	}
	const [only = ''] = caches;
	const cache = wanted ?? (beside.length + queues.length === 0 ? only : '');
	const ours = cache === '' ? beside : sites.filter((site) => site.cache === cache);
	if (ours.length === 0 && (cache !== '' || queues.length === 0)) {
		return fail(
			'not-found',
			'No cluster beats in this Redis and no list of packets is there, so nothing was saved. Check the number of the database, start a cluster, or name it with --prefix.',
		);
	}
	const prefix = input.prefix ?? ours.map(({ name }) => name);
	if (cache !== '') return ok({ prefix, cache, queues: input.queues });
	return ok({ prefix, queues: input.queues ?? queues.map(({ name }) => name) });
}

/** What a profile keeps of a site of django-q's; `old`: what it had. Fails for a cache that cannot be one. */
export function djangoQOf(input: SiteInput, old: Profile | null): Result<Pick<Profile, 'djangoQ'>> {
	const prefixes = input.prefix ?? old?.djangoQ?.prefixes;
	const cache = cacheOf(input.cache, old);
	if (!cache.ok) return cache;
	if (prefixes === undefined && cache.value === null) return ok({});
	const kept = cache.value === null ? {} : { cache: cache.value };
	return ok({ djangoQ: { prefixes: prefixes ?? [], ...kept } });
}

/** The cache that was given, laid over the one of a saved profile; empty text takes it away. */
export function cacheOf(given: string | undefined, old: Profile | null): Result<DjangoCache | null> {
	if (given === undefined) return ok(old?.djangoQ?.cache ?? null);
	return given === '' ? ok(null) : readDjangoCache(given);
}

/** What the doctor and the discovery look at. */
export interface AddressToTest {
	readonly address: BrokerAddress;
	readonly password: string | null;
	readonly queues: readonly string[];
	readonly folder: string;
	readonly framework: Profile['framework'] | null;
	readonly prefixes: readonly string[];
	readonly cache: DjangoCache | null;
	readonly secretKey: string | null;
	/** Exchanges that carry no tasks. */
	readonly asides: Asides;
}

/** A saved profile, an unsaved address, or a saved profile with an edited address. */
export async function addressToTest(
	core: Core,
	input: Omit<HandlerInput<'profile.test'>, 'queues'>,
): Promise<Result<AddressToTest>> {
	const saved = input.name === undefined ? null : await core.profiles.find(input.name);
	if (saved !== null && !saved.ok) return saved;
	const profile = saved?.value ?? null;
	const text = input.broker ?? (profile === null ? null : formatBroker(profile.broker));
	if (text === null) return fail('invalid-input', 'Name a profile to test, or give an address with --broker.');
	const read = readBroker(text, input, input.broker === undefined ? profile?.broker : undefined);
	if (!read.ok) return read;
	const kept = profile === null ? ok(null) : await core.profiles.secret(profile.id, 'broker');
	if (!kept.ok) return kept;
	const key = profile === null ? ok(null) : await core.profiles.secret(profile.id, 'django');
	if (!key.ok) return key;
	const cache = cacheOf(input.cache, profile);
	if (!cache.ok) return cache;
	return ok({
		cache: cache.value,
		framework: input.framework ?? profile?.framework ?? null,
		prefixes: input.prefix ?? profile?.djangoQ?.prefixes ?? [],
		secretKey: input.secretKey === undefined ? key.value : input.secretKey === '' ? null : input.secretKey,
		address: read.value.address,
		password: input.password ?? read.value.password ?? kept.value,
		queues: profile?.queues ?? [],
		asides: asidesOf(profile ?? {}),
		folder: profile === null ? core.ports.home : profileFolder(core.ports.home, profile.id),
	});
}
