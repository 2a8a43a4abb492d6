/**
 * The house's plan as data: which folders exist, what each may import, and who owns which library. The list is closed:
 * a folder, an edge or a package that is not here is refused. To change the plan, change it here, with the reason.
 */

/** What a folder may import from another: all of it, its types only, or some files of it only. */
export interface Door {
	/** Folder (or single file) that may be imported. */
	readonly to: string;
	/** `types`: only by `import type`, which leaves nothing in the bundle. */
	readonly as?: 'types';
	/** Only these files of the folder; all when left out. */
	readonly files?: readonly string[];
}

export interface Room {
	/** Path from the project's root. Rules of the longest matching path hold. */
	readonly path: string;
	readonly may: readonly Door[];
	/** npm packages that this folder may import; a trailing `/` stands for all packages of a scope. */
	readonly packages: readonly string[];
	/** Packages that this folder may import by `import type` only. */
	readonly packageTypes?: readonly string[];
	/** `none`: pure, or made for a browser. */
	readonly node: 'all' | 'none' | readonly string[];
}

const all = (...to: readonly string[]): readonly Door[] => to.map((path) => ({ to: path }));
const types = (...to: readonly string[]): readonly Door[] => to.map((path) => ({ to: path, as: 'types' }));

const domain = all('src-main/domain');
const dialects = all('src-main/dialects');

/** Other folders see brokers and history through their interfaces; only the engine knows which ones there are. */
const brokerInterface: readonly Door[] = [
	{
		to: 'src-main/brokers',
		files: [
			'src-main/brokers/driver.ts',
			'src-main/brokers/keyspace.ts',
			'src-main/brokers/mailbox.ts',
			'src-main/brokers/packets.ts',
			'src-main/brokers/topic.ts',
			'src-main/brokers/unacked.ts',
			'src-main/brokers/waiting.ts',
		],
	},
];
const storeInterface: readonly Door[] = [{ to: 'src-main/store', files: ['src-main/store/store.ts'] }];
const below = [...domain, ...dialects, ...brokerInterface, ...storeInterface];

/** A broker's driver, and what drivers have in common; which drivers exist only `connect.ts` knows, above them. */
const brokerParts = all('src-main/brokers');

/** The product's version, which hosts and page show. */
const version = all('package.json');

/** The contract's schemas stay out of the page: zod is large, and its probe for `eval` trips the page's policy. */
const contractTypes = types('src-main/ipc');
const codes: Door = { to: 'src-main/ipc', files: ['src-main/ipc/codes.ts', 'src-main/ipc/frames.ts'] };
/** The page's end of the wire: a client and two carriers, all free of Node and of schemas. */
const pageWire: Door = { to: 'src-main/ipc', files: ['src-main/ipc/client.ts', 'src-main/ipc/wires/page.ts'] };

const testTools = ['vitest', 'fast-check'];

export const rooms: readonly Room[] = [
	{ path: 'src-main/domain', may: [], packages: [], node: 'none' },
	{ path: 'src-main/dialects', may: domain, packages: [], node: ['node:crypto', 'node:zlib'] },
	{ path: 'src-main/dialects/yaml', may: [...domain, ...dialects], packages: ['yaml'], node: 'none' },
	{ path: 'src-main/brokers', may: domain, packages: [], node: 'all' },
	{ path: 'src-main/brokers/rabbitmq', may: [...domain, ...brokerParts], packages: ['amqplib'], node: 'all' },
	{
		path: 'src-main/brokers/embedded',
		may: [...domain, ...brokerParts],
		packages: ['better-sqlite3'],
		node: 'all',
	},
	{
		path: 'src-main/brokers/redis',
		// kombu's envelope is JSON as Python writes it, which is read in one place; what is inside stays bytes here too.
		may: [
			...domain,
			...brokerParts,
			{ to: 'src-main/dialects', files: ['src-main/dialects/json/read.ts', 'src-main/dialects/json/write.ts'] },
		],
		packages: ['ioredis'],
		node: 'all',
	},
	{ path: 'src-main/store', may: domain, packages: ['better-sqlite3'], node: 'all' },
	{ path: 'src-main/profiles', may: [...domain, ...storeInterface], packages: [], node: 'all' },
	{ path: 'src-main/monitor', may: below, packages: [], node: 'all' },
	{ path: 'src-main/consumer', may: below, packages: [], node: 'all' },
	{ path: 'src-main/scheduler', may: below, packages: ['croner'], node: 'all' },
	{ path: 'src-main/sync', may: below, packages: [], node: 'all' },
	{
		path: 'src-main/actions',
		may: [...below, { to: 'src-main/scheduler', files: ['src-main/scheduler/book.ts'] }, ...all('src-main/sync')],
		packages: [],
		node: 'all',
	},
	{ path: 'src-main/ipc', may: domain, packages: ['zod'], node: 'none' },
	{ path: 'src-main/ipc/wires', may: [...domain, ...all('src-main/ipc')], packages: ['ws'], node: 'all' },
	{
		path: 'src-main/engine',
		may: all(
			'src-main/domain',
			'src-main/dialects',
			'src-main/brokers',
			'src-main/store',
			'src-main/profiles',
			'src-main/monitor',
			'src-main/consumer',
			'src-main/scheduler',
			'src-main/sync',
			'src-main/actions',
			'src-main/ipc',
		),
		packages: [],
		node: 'all',
	},
	{
		path: 'src-main/headless',
		may: [...all('src-main/engine', 'src-main/ipc', 'src-main/domain'), ...version],
		packages: ['conf', 'ws'],
		node: 'all',
	},
	{
		path: 'src-main/shell',
		may: [...all('src-main/engine', 'src-main/ipc', 'src-main/domain'), ...version],
		packages: ['electron', 'electron-store'],
		node: 'all',
	},
	{ path: 'src-preload', may: [codes, ...contractTypes], packages: ['electron'], node: 'none' },
	// The page's own root: it puts state and views together.
	{
		path: 'src-renderer',
		may: [
			...all('src-renderer/state', 'src-renderer/views', 'src-renderer/components', 'src-renderer/styles'),
			...version,
		],
		packages: ['svelte', '@fontsource-variable/'],
		node: 'none',
	},
	{ path: 'src-renderer/styles', may: [], packages: ['@fontsource-variable/'], node: 'none' },
	{
		path: 'src-renderer/state',
		may: [...domain, codes, pageWire, ...contractTypes],
		packages: ['svelte'],
		node: 'none',
	},
	{
		path: 'src-renderer/components',
		may: domain,
		packages: ['svelte', 'bits-ui', '@internationalized/date', '@xterm/', '@codemirror/', '@lezer/highlight', 'uplot'],
		node: 'none',
	},
	{
		path: 'src-renderer/views',
		may: [...all('src-renderer/state', 'src-renderer/components'), ...domain],
		packages: ['svelte'],
		node: 'none',
	},
	{ path: 'resources/launch', may: [], packages: [], node: 'all' },
	{ path: 'resources/runners', may: [], packages: [], node: 'all' },
	{ path: 'resources/sandbox', may: [], packages: [], node: 'all' },
	{
		path: 'test/support',
		may: all('src-main', 'resources/launch'),
		packages: [...testTools, 'playwright-core', 'ws', 'better-sqlite3'],
		node: 'all',
	},
	{
		path: 'test/unit',
		may: all('src-main', 'test/support', 'resources'),
		// croner by itself is the oracle of what is built on it.
		packages: [...testTools, 'croner'],
		node: 'all',
	},
	{ path: 'test/store', may: all('src-main', 'test/support'), packages: [...testTools, 'better-sqlite3'], node: 'all' },
	{ path: 'test/wire', may: all('src-main', 'test/support'), packages: [...testTools, 'ws', 'zod'], node: 'all' },
	{
		path: 'test/conformance',
		may: all('src-main', 'test/support'),
		packages: [...testTools, 'amqplib', 'better-sqlite3'],
		node: 'all',
	},
	{
		path: 'test/integration',
		may: all('src-main', 'test/support', 'test/chaos'),
		packages: [...testTools, 'amqplib', 'ioredis', 'ws'],
		node: 'all',
	},
	{ path: 'test/electron', may: all('src-main', 'test/support'), packages: testTools, node: 'all' },
	{
		path: 'test/e2e',
		may: all('src-main', 'test/support'),
		packages: [...testTools, 'playwright-core', 'axe-core'],
		node: 'all',
	},
	{
		path: 'test/chaos',
		may: all('src-main', 'test/support', 'test/integration'),
		packages: [],
		node: 'all',
	},
	{
		path: 'test/bench',
		may: all('src-main', 'test/support'),
		packages: ['amqplib', 'better-sqlite3', 'ioredis', 'ws'],
		node: 'all',
	},
	{
		path: 'test/ui',
		may: [...all('src-renderer', 'test/support', 'src-main/domain'), codes, ...types('src-main/ipc')],
		packages: [
			...testTools,
			'@testing-library/svelte',
			'svelte',
			'axe-core',
			'playwright-core',
			'vite',
			'@sveltejs/vite-plugin-svelte',
		],
		node: 'all',
	},
	{ path: 'test/architecture', may: all('test/support'), packages: [...testTools, 'typescript'], node: 'all' },
];

/** Pairs that never import each other, whatever else they may: siblings that meet in the engine. */
export const strangers: readonly (readonly string[])[] = [
	['src-main/monitor', 'src-main/consumer', 'src-main/scheduler', 'src-main/sync'],
	['src-main/brokers/rabbitmq', 'src-main/brokers/embedded', 'src-main/brokers/redis'],
	['src-main/headless', 'src-main/shell'],
];

/** The children that a folder may have; folders that are not listed as a key are free inside. */
export const closedFolders: Readonly<Record<string, readonly string[]>> = {
	'': ['.ci', 'docs', 'resources', 'src-main', 'src-preload', 'src-renderer', 'test'],
	'src-main': [
		'actions',
		'brokers',
		'consumer',
		'dialects',
		'domain',
		'engine',
		'headless',
		'ipc',
		'monitor',
		'profiles',
		'scheduler',
		'shell',
		'store',
		'sync',
	],
	'src-main/dialects': ['carrot', 'celery', 'django-q', 'json', 'msgpack', 'python', 'taskmonitor', 'yaml'],
	'src-main/brokers': ['embedded', 'rabbitmq', 'redis'],
	'src-main/domain': [],
	'src-main/engine': ['handlers'],
	'src-main/headless': ['cli', 'service'],
	'src-main/ipc': ['contract', 'wires'],
	'src-main/shell': [],
	'src-main/store': ['migrations'],
	'src-preload': [],
	'src-renderer': ['components', 'state', 'styles', 'views'],
	resources: ['icons', 'launch', 'runners', 'sandbox'],
	test: [
		'architecture',
		'bench',
		'chaos',
		'conformance',
		'e2e',
		'electron',
		'fixtures',
		'integration',
		'store',
		'support',
		'ui',
		'unit',
		'wire',
	],
};

/** Folder names that say nothing about what lives inside. */
export const emptyNames: readonly string[] = ['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'lib', 'shared'];

/** A file longer than this, in lines, holds a second thing that wants a file of its own. */
export const longestFile = 600;
/** A suite that tries one thing from all sides may be longer. */
export const longestTest = 800;

/** A folder's README is read in one glance or not at all, in lines. */
export const longestReadme = 30;
