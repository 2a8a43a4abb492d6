/** Routes about profiles: saved deployments and their connections. */
import * as z from 'zod';
import type { ClusterQueue, OddBeat } from '#main/domain/cluster.ts';
import type { TaskCounts } from '#main/domain/page.ts';
import type { ConnectionState, DoctorStep, Profile, SecretName } from '#main/domain/profile.ts';
import { profileName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

/** A profile as the page and `profile list` see it: no secret, only whether there is one. */
export interface ProfileView {
	readonly profile: Profile;
	/** The broker's address without its password. */
	readonly brokerUrl: string;
	/** Where its books in a Redis are, as `book` takes them, without passwords; null: it has none of that kind. */
	readonly bookUrls: { readonly shared: string | null; readonly redbeat: string | null };
	/** The result backend's address without its password; null: none. */
	readonly resultsUrl: string | null;
	readonly connection: ConnectionState;
	readonly secrets: Readonly<Record<SecretName, boolean>>;
	readonly counts: TaskCounts;
	/** What this broker can do; null until it was connected once. */
	readonly maxPriority: number | null;
	readonly look: 'free' | 'flagged' | 'risky' | null;
}

/** What a Redis holds of django-q's, to make a profile of. */
export interface Discovery {
	/** Names under which clusters beat, with how many there are and where they run. */
	readonly sites: readonly {
		readonly name: string;
		readonly clusters: number;
		readonly hosts: readonly string[];
		/** Whether the key that was given verifies them; null: none was given. */
		readonly verified: boolean | null;
		/** The cache in which they beat, as `cache` takes it, since their broker is no Redis; null: they beat beside their queue. */
		readonly cache: string | null;
	}[];
	/** Lists that hold packets; a queue may be called otherwise than its site. */
	readonly queues: readonly ClusterQueue[];
	/** Heartbeats that could not be read or trusted. */
	readonly odd: readonly OddBeat[];
	/** False: there is more than was looked at. */
	readonly complete: boolean;
}

const name = z
	.string()
	.min(1)
	.max(80)
	.regex(
		/^[\p{L}\p{N}][\p{L}\p{N} ._@-]*$/u,
		'letters, digits, spaces and . _ @ - only, starting with a letter or digit',
	)
	.describe('Name');
const broker = z
	.string()
	.min(1)
	.max(4_000)
	.describe(
		"amqp:// or amqps:// URL, redis://, rediss://, redis+socket:// or sentinel:// URL, carrot's VirtualHost settings as JSON, or embedded:",
	);
const framework = z.enum(['carrot', 'celery', 'django-q']).describe('What the tasks are written for');
const environment = z.enum(['development', 'staging', 'production']).describe('How careful to be');
const url = z.url({ protocol: /^https?$/ }).max(2_000);
const file = z.string().max(4_000);
const celeryName = z.string().max(1_000);

/** TLS files and checks, by path on the machine that runs Warren. */
const tls = {
	caFile: file.optional().describe('CA certificate file (PEM)'),
	certFile: file.optional().describe('Client certificate file (PEM)'),
	keyFile: file.optional().describe('Client key file (PEM)'),
	serverName: z.string().max(255).optional().describe('Name to expect in the certificate'),
	insecure: z.boolean().optional().describe('Do not check the certificate (shown as a badge)'),
};
const dialect = {
	typeHeader: z.string().min(1).max(200).optional().describe('Header that names the task'),
	messageType: z.string().max(200).optional().describe("Message property 'type'"),
	argsKey: z.string().min(1).max(200).optional().describe('Key of the positional arguments in the body'),
	kwargsKey: z.string().min(1).max(200).optional().describe('Key of the keyword arguments in the body'),
	transient: z.boolean().optional().describe('Publish transient messages, as upstream does'),
	foreignTask: z.string().max(1_000).optional().describe('Task for messages of other programs, which lack the header'),
	foreignTaskKey: z.string().max(200).optional().describe('Key of their body that names the task'),
	foreignBody: z
		.enum(['envelope', 'kwargs', 'argument'])
		.optional()
		.describe("Their body: carrot's two keys, all of it keyword arguments, or all of it one argument"),
	foreignIdKey: z.string().max(200).optional().describe('Key of their body with their id (default: correlation id)'),
};
const optional = {
	monitor: url.optional().describe("carrot's monitor, e.g. https://site/carrot/"),
	monitorUser: z.string().max(200).optional().describe('User of the monitor, where it asks for a login'),
	monitorPassword: z.string().max(4_000).optional().describe("The monitor's password"),
	monitorCaFile: file.optional().describe("CA certificate file for the monitor's address (PEM)"),
	monitorInsecure: z.boolean().optional().describe("Do not check the monitor's certificate (shown as a badge)"),
	book: z
		.partialRecord(z.enum(['shared', 'redbeat']), z.string().max(4_000))
		.optional()
		.describe(
			'Book of schedules in a Redis, e.g. shared=redis://host:6379/0 or redbeat=redis://host/1?zone=Europe/Berlin; empty: none',
		),
	results: z.string().max(4_000).optional().describe('Celery: result backend, e.g. redis://host:6379/1; empty: none'),
	controlExchange: celeryName.optional().describe("Celery: control_exchange, where it is not 'celery'; empty: it is"),
	eventExchange: celeryName.optional().describe("Celery: event_exchange, where it is not 'celeryev'; empty: it is"),
	eventQueuePrefix: celeryName
		.optional()
		.describe("Celery: event_queue_prefix, where it is not 'celeryev'; begins the names of Warren's queues of events"),
	sentEvents: z
		.boolean()
		.optional()
		.describe('Celery: tell of each task sent from here by the event task-sent, as task_send_sent_event does'),
	management: url.optional().describe('RabbitMQ management API, e.g. http://rabbit.example:15672'),
	managementUser: z.string().max(200).optional().describe("User of the management API (default: the broker's)"),
	managementPassword: z.string().max(4_000).optional().describe("The management API's password"),
	managementCaFile: file.optional().describe('CA certificate file for the management API (PEM)'),
	managementInsecure: z
		.boolean()
		.optional()
		.describe("Do not check the management API's certificate (shown as a badge)"),
	queues: z.array(z.string().min(1).max(255)).max(1_000).optional().describe('Queues to show'),
	environment: environment.optional(),
	readOnly: z.boolean().optional().describe('Refuse every change'),
	password: z.string().max(4_000).optional().describe('Broker password, where the URL has none'),
	prefix: z
		.array(z.string().min(1).max(200))
		.max(100)
		.optional()
		.describe("django-q: names of the clusters to show (Q_CLUSTER's name); none: all that are found"),
	cache: z
		.string()
		.max(300)
		.optional()
		.describe(
			'django-q with another broker than Redis: KEY_PREFIX:VERSION of the Django cache in this Redis where its clusters beat, usually :1; empty: none',
		),
	secretKey: z
		.string()
		.max(4_000)
		.optional()
		.describe("django-q: the site's SECRET_KEY, to check and sign packets; empty: forget it"),
	...tls,
	...dialect,
};

/** Of an address that is tested before it is saved. */
const django = {
	framework: framework.optional(),
	prefix: optional.prefix,
	cache: optional.cache,
	secretKey: optional.secretKey,
};

export const profileRoutes = {
	'profile.list': query({
		scope: 'console',
		summary: 'List profiles with their connections',
		input: z.strictObject({}),
		output: returns<{ readonly items: readonly ProfileView[]; readonly total: number }>(),
	}),
	'profile.show': query({
		scope: 'console',
		summary: 'Show one profile',
		input: z.strictObject({ name: profileName }),
		output: returns<ProfileView>(),
		cli: { positional: ['name'] },
	}),
	'profile.add': command({
		scope: 'console',
		needs: 'write',
		summary: 'Save a new profile',
		input: z.strictObject({
			name,
			framework: framework.default('carrot'),
			broker,
			...optional,
			discover: z
				.boolean()
				.optional()
				.describe('django-q: take the clusters that beat there, and the queues that hold something'),
		}),
		output: returns<ProfileView>(),
		cli: { positional: ['name'] },
	}),
	'profile.edit': command({
		scope: 'console',
		needs: 'write',
		summary: 'Change a profile; what is left out stays',
		input: z.strictObject({
			name: profileName,
			rename: name.optional().describe('New name'),
			broker: broker.optional(),
			framework: framework.optional(),
			...optional,
			monitor: z
				.union([url, z.literal('')])
				.optional()
				.describe("carrot's monitor, e.g. https://site/carrot/; empty: none any more"),
			management: z
				.union([url, z.literal('')])
				.optional()
				.describe('RabbitMQ management API, e.g. http://rabbit.example:15672; empty: none any more'),
			readOnly: z.boolean().optional().describe('Refuse every change'),
		}),
		output: returns<ProfileView>(),
		cli: { positional: ['name'] },
	}),
	'profile.duplicate': command({
		scope: 'console',
		needs: 'write',
		summary: 'Copy a profile, with its secrets, under a new name',
		input: z.strictObject({ name: profileName, as: name }),
		output: returns<ProfileView>(),
		cli: { positional: ['name', 'as'] },
	}),
	'profile.remove': command({
		scope: 'console',
		needs: 'destroy',
		summary: 'Remove a profile, its secrets and its history (not its queues)',
		input: z.strictObject({ name: profileName }),
		output: returns<{ readonly removed: string; readonly tasks: number }>(),
		cli: { positional: ['name'] },
	}),
	'profile.test': query({
		scope: 'console',
		summary: 'Walk through a connection step by step: what failed, why, what to do',
		input: z.strictObject({
			name: profileName.optional().describe('A saved profile'),
			broker: broker.optional().describe('Or an address that is not saved yet'),
			password: z.string().max(4_000).optional(),
			queues: z.array(z.string().min(1).max(255)).max(100).optional(),
			...django,
			...tls,
		}),
		output: returns<{ readonly steps: readonly DoctorStep[]; readonly passed: boolean }>(),
		cli: { positional: ['name'] },
	}),
	'profile.discover': query({
		scope: 'console',
		summary: "Look into a Redis for django-q's clusters and queues, to make a profile of",
		input: z.strictObject({
			name: profileName.optional().describe('A saved profile'),
			broker: broker.optional().describe('Or an address that is not saved yet'),
			password: z.string().max(4_000).optional(),
			secretKey: django.secretKey,
			...tls,
		}),
		output: returns<Discovery>(),
		cli: { positional: ['name'] },
	}),
	'profile.connect': command({
		scope: 'console',
		needs: 'write',
		summary: 'Try to connect now, without waiting for the next try',
		input: z.strictObject({ name: profileName }),
		output: returns<ConnectionState>(),
		cli: { hidden: 'commands connect by themselves' },
	}),
	/** Keyed by profile id. Watching a profile connects it. */
	'profile.watch': stream({
		scope: 'console',
		fold: 'latest',
		summary: 'Profiles with their connections and counts, as they change',
		input: z.strictObject({ connect: profileName.optional().describe('Profile to keep connected') }),
		item: returns<{ readonly key: string; readonly view: ProfileView | null }>(),
		cli: { hidden: 'profile list shows the same' },
	}),
};
