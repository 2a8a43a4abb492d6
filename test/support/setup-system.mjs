/**
 * What tests need from the system besides npm packages: real servers, a browser, Debian's Python packages. On Debian and
 * Ubuntu the missing ones are installed (as root, or by sudo), each announced; elsewhere they are named and the run ends.
 * Plain Node 20, only `node:` modules.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { findBrowser } from '../../resources/launch/browser.mjs';
import { findCommand, succeeds } from '../../resources/launch/setup.mjs';

/** The interpreter whose packages apt provides; another one first on the path would not see them. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

const hasModule = (name) => () =>
	succeeds(python, ['-c', `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`]);

const hasCommand =
	(...names) =>
	() =>
		names.some(
			(name) =>
				findCommand(name) !== undefined ||
				existsSync(`/usr/sbin/${name}`) ||
				existsSync(`/usr/lib/rabbitmq/bin/${name}`),
		);

/** One thing each: what it is for, which test projects need it, its package in Debian and Ubuntu, how to see it. */
const needs = [
	{
		name: 'RabbitMQ',
		apt: 'rabbitmq-server',
		projects: ['conformance', 'integration', 'e2e'],
		present: hasCommand('rabbitmq-server'),
	},
	{
		name: 'Python 3',
		apt: 'python3',
		projects: ['unit', 'integration', 'e2e', 'electron'],
		present: hasCommand('python3'),
	},
	{
		name: 'pika (the Python client of RabbitMQ)',
		apt: 'python3-pika',
		projects: ['integration', 'e2e'],
		present: hasModule('pika'),
	},
	{
		name: 'Celery',
		apt: 'python3-celery',
		projects: ['unit', 'integration'],
		present: hasModule('celery'),
	},
	{ name: 'Django', apt: 'python3-django', projects: ['integration', 'e2e'], present: hasModule('django') },
	{ name: 'django-q', apt: 'python3-django-q', projects: ['integration'], present: hasModule('django_q') },
	{
		name: 'django-redis',
		apt: 'python3-django-redis',
		projects: ['integration'],
		present: hasModule('django_redis'),
	},
	{
		name: 'Redis',
		apt: 'redis-server',
		projects: ['conformance', 'integration', 'e2e'],
		present: hasCommand('redis-server'),
	},
	{ name: 'Chromium', apt: 'chromium', projects: ['e2e'], present: () => findBrowser() !== undefined },
	{ name: 'Xvfb', apt: 'xvfb', projects: ['electron', 'e2e'], present: hasCommand('Xvfb') },
	{
		name: 'OpenSSL (test certificates)',
		apt: 'openssl',
		projects: ['unit', 'conformance', 'integration'],
		present: hasCommand('openssl'),
	},
];

/** @returns {'debian' | 'ubuntu' | 'other'} the family of this system's packages */
function family() {
	if (process.platform !== 'linux' || findCommand('apt-get') === undefined) return 'other';
	const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
	return /^ID(_LIKE)?=.*ubuntu/m.test(release) ? 'ubuntu' : 'debian';
}

/** How to become root without a person answering; undefined when there is no way. */
function rootPrefix() {
	if (process.getuid?.() === 0) return [];
	if (findCommand('sudo') === undefined) return undefined;
	if (succeeds('sudo', ['-n', 'true'])) return ['sudo', '-n'];
	return process.stdin.isTTY ? ['sudo'] : undefined;
}

function run(command, args) {
	return new Promise((settle) => {
		const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'] });
		let output = '';
		const keep = (piece) => {
			output = (output + piece).slice(-20_000);
		};
		child.stdout.on('data', keep);
		child.stderr.on('data', keep);
		child.once('error', (error) => settle({ code: 127, output: error.message }));
		child.once('close', (code) => settle({ code: code ?? 1, output }));
	});
}

/**
 * Sees to it that the system has what the given test projects need.
 *
 * @param {ReadonlySet<string>} projects names of the test projects that will run
 * @param {(line: string) => void} say where announcements go
 * @returns {Promise<readonly string[]>} what is missing even so, each as a sentence for a person; empty when all is there
 */
export async function ensureSystem(projects, say) {
	const missing = needs.filter((need) => need.projects.some((name) => projects.has(name)) && !need.present());
	if (missing.length === 0) return [];
	const kind = family();
	const prefix = kind === 'other' ? undefined : rootPrefix();
	if (prefix === undefined) return missing.map((need) => howToGet(need, kind));

	// Services of freshly installed packages stay down: tests start private servers of their own, on free ports.
	const apt = (...args) =>
		run([...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'][0], [
			...[...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'].slice(1),
			'-q',
			'-o',
			'DPkg::Lock::Timeout=300',
			...args,
		]);
	say(`Missing on this system: ${missing.map((need) => need.name).join(', ')}. Updating apt's package lists.`);
	const update = await apt('update');
	if (update.code !== 0) say(`apt-get update ended with code ${update.code}; trying with the lists that are here.`);
	const problems = [];
	for (const need of missing) {
		const names = kind === 'ubuntu' && need.apt === 'chromium' ? 'chromium-browser' : need.apt;
		say(`Installing ${names} (apt-get install), for ${need.projects.join(', ')} tests.`);
		const { code, output } = await apt('install', '-y', '--no-install-recommends', names);
		if (code === 0 && need.apt === 'rabbitmq-server' && existsSync('/run/systemd/system')) {
			// It was not here before this line, so nobody's server is stopped by it.
			await run([...prefix, 'systemctl'][0], [
				...[...prefix, 'systemctl'].slice(1),
				'disable',
				'--now',
				'rabbitmq-server.service',
			]);
		}
		if (!need.present())
			problems.push(`${howToGet(need, kind)}\n${output.trimEnd().split('\n').slice(-15).join('\n')}`);
	}
	return problems;
}

function howToGet(need, kind) {
	const where =
		kind === 'ubuntu' && need.apt === 'chromium'
			? 'install Chromium or Chrome, or name one in WARREN_BROWSER'
			: kind === 'other'
				? `install it (its package in Debian and Ubuntu is ${need.apt})`
				: `apt-get install ${need.apt}, as root`;
	return `${need.name} is missing, needed by the ${need.projects.join(', ')} tests: ${where}.`;
}
