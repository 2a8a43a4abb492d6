/** A profile: a saved deployment. It never holds a secret; secrets are kept by the vault under the profile's id. */
import type { DjangoCache } from './django-cache.ts';
import type { ProfileId } from './ids.ts';

export type Framework = 'carrot' | 'celery' | 'django-q';
export type Environment = 'development' | 'staging' | 'production';

/** TLS for a connection. Files are paths on this machine, read at each connect. */
export interface TlsOptions {
	readonly caFile: string | null;
	readonly certFile: string | null;
	readonly keyFile: string | null;
	/** Name to expect in the certificate; null: the host's. */
	readonly serverName: string | null;
	/** False only by an explicit exception, which the window shows as a badge. */
	readonly verify: boolean;
}

/** Where the broker is. The password is a secret and not here. */
export type BrokerAddress =
	| {
			readonly kind: 'amqp';
			/** Name, IPv4 or IPv6 without brackets. */
			readonly host: string;
			readonly port: number;
			readonly vhost: string;
			readonly username: string;
			readonly tls: TlsOptions | null;
			/** Seconds; 0 turns heartbeats off. */
			readonly heartbeat: number;
	  }
	| RedisBrokerAddress
	/** SQLite in the profile's folder. */
	| { readonly kind: 'embedded' };

/** Of a site of django-q. */
export interface DjangoQSettings {
	/** `Q_CLUSTER["name"]` of the clusters to show; empty: all that are found. */
	readonly prefixes: readonly string[];
	/**
	 * There where the clusters take tasks from another broker than Redis: the profile's address is that of the Redis with this cache, in which
	 * they beat, and nothing but that can be seen.
	 */
	readonly cache?: DjangoCache;
}

/** How a Celery deployment is called where its settings are not Celery's own (their names in brackets). */
export interface CelerySettings {
	/** Begins the names of the exchanges of remote control (`control_exchange`). */
	readonly controlExchange: string;
	/** Where events go (`event_exchange`). */
	readonly eventExchange: string;
	/** Begins the names of queues that hear events (`event_queue_prefix`), so that a user's rights can be cut to it. */
	readonly eventQueuePrefix: string;
	/** Warren tells of each task that it sends, as publishers do with `task_send_sent_event`; absent: it does not. */
	readonly sentEvents?: boolean;
}

export const CELERY_SETTINGS: CelerySettings = {
	controlExchange: 'celery',
	eventExchange: 'celeryev',
	eventQueuePrefix: 'celeryev',
};

/** Where a Redis is. The password is a secret and not here. */
export interface RedisAddress {
	/** Name, IPv4 or IPv6 without brackets. */
	readonly host: string;
	readonly port: number;
	readonly db: number;
	/** Null: without a user name (Redis before 6, or its default user). */
	readonly username: string | null;
	readonly tls: TlsOptions | null;
	/** Path of a Unix socket, which is used instead of host and port; absent: TCP. */
	readonly socket?: string;
	/**
	 * Host and port are a sentinel's, which knows where the primary of this name is, and so do the others; absent: they are Redis's own.
	 */
	readonly sentinel?: {
		readonly master: string;
		readonly others: readonly { readonly host: string; readonly port: number }[];
	};
}

/** A Redis that carries messages as kombu lays them there, with the transport options of the deployment (kombu's names in brackets). */
export interface RedisBrokerAddress extends RedisAddress {
	readonly kind: 'redis';
	/** Begins all keys (`global_keyprefix`); usually empty. */
	readonly keyPrefix: string;
	/** Priorities that have a list of their own, rising from 0 (`priority_steps`). The lowest is handed out first. */
	readonly prioritySteps: readonly number[];
	/** Stands between a queue's name and its step, and in bindings (`sep`). */
	readonly separator: string;
	/** Seconds after which workers give back what is held and not acknowledged (`visibility_timeout`). */
	readonly visibilityTimeout: number;
	/** Hash of what is held (`unacked_key`). */
	readonly unackedKey: string;
	/** When each of it was taken (`unacked_index_key`). */
	readonly unackedIndexKey: string;
	/** Begins the channels of broadcasts, `{db}` standing for the database (`fanout_prefix`); absent: kombu's own, `/{db}.`. */
	readonly fanoutPrefix?: string;
	/** False: channels of events do not name their kinds (`fanout_patterns`); absent: they do. */
	readonly fanoutPatterns?: boolean;
}

/** Where workers leave results. */
export type ResultsAddress =
	/** Keys in a Redis. */
	| {
			readonly kind: 'redis';
			readonly address: RedisAddress;
			/** Begins all keys (`global_keyprefix` of `result_backend_transport_options`); usually empty. */
			readonly keyPrefix: string;
	  }
	/** `rpc://`: messages to whoever sent the task, through the broker. */
	| { readonly kind: 'rpc' };

/** Books of a profile that live in a Redis. */
export interface ProfileBooks {
	/** Several consoles and services share it; `prefix` begins all its keys. */
	readonly shared: { readonly address: RedisAddress; readonly prefix: string } | null;
	/** RedBeat's keys: `prefix` is its `redbeat_key_prefix`, `zone` the app's `timezone`, in which its crontabs are read. */
	readonly redbeat: { readonly address: RedisAddress; readonly prefix: string; readonly zone: string } | null;
}

/** How carrot's messages look here; a deployment may have its own serializer. */
export interface CarrotDialect {
	/** Header that names the callable; upstream's is `type`. */
	readonly typeHeader: string;
	/** Basic property `type`; upstream's is `django-carrot message`. */
	readonly messageType: string;
	/** Keys of the JSON body. */
	readonly argsKey: string;
	readonly kwargsKey: string;
	/** Publish persistent messages (upstream publishes transient ones). */
	readonly persistent: boolean;
	/** How to read messages without that header; null or absent: not at all, they go to quarantine. */
	readonly foreign?: ForeignMessages | null;
}

/** Messages of other programs, which know nothing of carrot: what to run for them, and with what. */
export interface ForeignMessages {
	/** Task for messages that name none; null: those stay unreadable. */
	readonly task: string | null;
	/** Key of the body that names the task, where it does; null: no such key. */
	readonly taskKey: string | null;
	/**
	 * envelope: positional and keyword arguments under their two keys, as in carrot's own. kwargs: the whole object is the keyword
	 * arguments (without the key that names the task). argument: the whole body is the one positional argument.
	 */
	readonly body: 'envelope' | 'kwargs' | 'argument';
	/** Key of the body that holds the message's id, for messages without a message id; null: the correlation id is. */
	readonly idKey: string | null;
}

export const CARROT_DIALECT: CarrotDialect = {
	typeHeader: 'type',
	messageType: 'django-carrot message',
	argsKey: 'args',
	kwargsKey: 'kwargs',
	persistent: true,
};

export interface Profile {
	readonly id: ProfileId;
	/** Unique, as shown and as `--profile` takes it. */
	readonly name: string;
	readonly framework: Framework;
	readonly broker: BrokerAddress;
	readonly environment: Environment;
	readonly readOnly: boolean;
	/** Optional doors: carrot's monitor API and RabbitMQ's management API, without credentials. */
	readonly monitorUrl: string | null;
	readonly managementUrl: string | null;
	/** Certificates for the monitor's address; absent in profiles that never had any: the system's. */
	readonly monitorTls?: TlsOptions | null;
	/** The same for the management API. */
	readonly managementTls?: TlsOptions | null;
	readonly dialect: CarrotDialect;
	/** Absent in profiles that never had any. */
	readonly books?: ProfileBooks;
	/** Celery's result backend; absent or null: Warren knows of none. */
	readonly results?: ResultsAddress | null;
	/** Absent in profiles that never had any. */
	readonly djangoQ?: DjangoQSettings;
	/** Absent or null: all of it is as Celery has it by itself. */
	readonly celery?: CelerySettings | null;
	/** Other names of apps, each with the app that it stands for; absent in profiles that never had any. */
	readonly appNames?: readonly (readonly [other: string, app: string])[];
	/** Queues that a person named; the broker need not tell us of any. */
	readonly queues: readonly string[];
	/** True for the built-in sandbox. */
	readonly sandbox: boolean;
	readonly createdAt: number;
	/** Rises with every edit, whatever the clock does. */
	readonly updatedAt: number;
	/** `updatedAt` of the last edit that changed a secret of it; absent: none did since it was made. */
	readonly secretsAt?: number;
}

/** Names of a profile's secrets in the vault. */
/** `django`: the SECRET_KEY of the site, with which its packets are signed. */
export type SecretName = 'broker' | 'monitor' | 'management' | 'shared' | 'redbeat' | 'django' | 'results';

export const SECRET_NAMES: readonly SecretName[] = [
	'broker',
	'monitor',
	'management',
	'shared',
	'redbeat',
	'django',
	'results',
];

/**
 * Connection to a broker as the window and `profile list` say it. `since` and `nextTryAt` are epoch ms.
 * idle: nobody asked for it yet.
 */
export type ConnectionState =
	| { readonly kind: 'idle' }
	| { readonly kind: 'connecting'; readonly since: number }
	| { readonly kind: 'connected'; readonly since: number; readonly server: string | null }
	| {
			readonly kind: 'reconnecting';
			readonly since: number;
			readonly nextTryAt: number | null;
			readonly attempt: number;
			readonly reason: string;
	  }
	/** It answered and said no; Warren goes on trying, slowly, since somebody may mend it. */
	| { readonly kind: 'refused'; readonly since: number; readonly nextTryAt: number | null; readonly reason: string };

/** One step of the connection doctor. */
export interface DoctorStep {
	readonly step:
		| 'address'
		| 'dns'
		| 'tcp'
		| 'tls'
		| 'login'
		| 'vhost'
		| 'database'
		| 'server'
		| 'rights'
		| 'queues'
		/** django-q: heartbeats of its clusters, and whether the key and the name fit them. */
		| 'clusters'
		| 'signature'
		| 'management'
		| 'storage';
	readonly status: 'passed' | 'failed' | 'warning' | 'skipped';
	/** What was found, in words. */
	readonly finding: string;
	/** What to do about it; null when nothing needs doing. */
	readonly cure: string | null;
	readonly tookMs: number;
}
