/**
 * A Redis as broker: its address with kombu's transport options as parameters, by their own names (`broker_transport_options` in
 * Celery's settings), since whoever reads a queue must lay and find keys exactly as the workers do.
 */
import type { RedisBrokerAddress } from '../domain/profile.ts';
import { ok, type Result } from '../domain/result.ts';
import { formatRedis, parseRedis } from './redis-address.ts';

type Options = Omit<RedisBrokerAddress, 'kind' | 'host' | 'port' | 'db' | 'username' | 'tls' | 'socket' | 'sentinel'>;
type Writable = { -readonly [K in keyof Options]: Options[K] };

/** What kombu does where nothing is said. */
export const KOMBU_DEFAULTS: Options = {
	keyPrefix: '',
	prioritySteps: [0, 3, 6, 9],
	separator: '\x06\x16',
	visibilityTimeout: 3_600,
	unackedKey: 'unacked',
	unackedIndexKey: 'unacked_index',
};

const NAMES = [
	'global_keyprefix',
	'priority_steps',
	'sep',
	'visibility_timeout',
	'unacked_key',
	'unacked_index_key',
	'fanout_prefix',
	'fanout_patterns',
];
/** kombu's own prefix of channels, where `fanout_prefix` is true. */
const FANOUT_PREFIX = '/{db}.';

/** Reads `redis://`, `rediss://`, `redis+socket://` and `sentinel://` with kombu's options. Failures as `parseRedis` has them. */
export function parseRedisBroker(
	text: string,
): Result<{ readonly address: RedisBrokerAddress; readonly password: string | null }> {
	const options: Writable = { ...KOMBU_DEFAULTS };
	const parsed = parseRedis(text, { names: NAMES, take: (name, value) => take(options, name, value) });
	if (!parsed.ok) return parsed;
	return ok({ address: { kind: 'redis', ...parsed.value.address, ...options }, password: parsed.value.password });
}

/** Writes the address without its password, so that `parseRedisBroker` reads the same again. */
export function formatRedisBroker(address: RedisBrokerAddress): string {
	const written: Readonly<Record<string, string>> = {
		global_keyprefix: address.keyPrefix,
		priority_steps: address.prioritySteps.join(','),
		sep: address.separator,
		visibility_timeout: String(address.visibilityTimeout),
		unacked_key: address.unackedKey,
		unacked_index_key: address.unackedIndexKey,
		fanout_prefix: address.fanoutPrefix === '' ? 'false' : (address.fanoutPrefix ?? 'true'),
		fanout_patterns: String(address.fanoutPatterns ?? true),
	};
	const usual: Readonly<Record<string, string>> = {
		global_keyprefix: '',
		priority_steps: KOMBU_DEFAULTS.prioritySteps.join(','),
		sep: KOMBU_DEFAULTS.separator,
		visibility_timeout: String(KOMBU_DEFAULTS.visibilityTimeout),
		unacked_key: KOMBU_DEFAULTS.unackedKey,
		unacked_index_key: KOMBU_DEFAULTS.unackedIndexKey,
		fanout_prefix: 'true',
		fanout_patterns: 'true',
	};
	return formatRedis(address, new Map(Object.entries(written).filter(([name, value]) => value !== usual[name])));
}

/** Takes one option; says what is wrong with it, null when nothing is. */
function take(options: Writable, name: string, value: string): string | null {
	switch (name) {
		case 'global_keyprefix':
			options.keyPrefix = value;
			return null;
		case 'priority_steps': {
			const steps = value.split(',').map((step) => step.trim());
			const numbers = steps.map(Number);
			const rising = numbers.every((step, at) => at === 0 || step > (numbers[at - 1] ?? 0));
			if (!steps.every((step) => /^\d$/.test(step)) || numbers[0] !== 0 || !rising) {
				return 'priority_steps are numbers from 0 to 9 that rise from 0, by comma. For example 0,3,6,9.';
			}
			options.prioritySteps = numbers;
			return null;
		}
		case 'visibility_timeout':
			if (!/^\d{1,9}$/.test(value) || Number(value) < 1)
				return 'visibility_timeout is a number of seconds, at least 1.';
			options.visibilityTimeout = Number(value);
			return null;
		case 'fanout_prefix':
			return takeFanoutPrefix(options, value);
		case 'fanout_patterns':
			if (!/^(true|false)$/i.test(value)) return 'fanout_patterns is either true or false.';
			if (/^false$/i.test(value)) options.fanoutPatterns = false;
			else delete options.fanoutPatterns;
			return null;
		default:
			// A key or separator of nothing would make several things one.
			if (value === '') return `The parameter "${name}" has no value.`;
			if (name === 'sep') options.separator = value;
			else if (name === 'unacked_key') options.unackedKey = value;
			else options.unackedIndexKey = value;
			return null;
	}
}

/** True, false, or the text itself, in which kombu puts the number of the database for `{db}`. */
function takeFanoutPrefix(options: Writable, value: string): string | null {
	if (/^true$/i.test(value) || value === FANOUT_PREFIX) delete options.fanoutPrefix;
	else if (/^false$/i.test(value) || value === '') options.fanoutPrefix = '';
	// kombu fills it in as a format of Python's, which stumbles over any other brace; and who hears a broadcast takes the name of
	// its exchange from between the first dot and the next slash, so that a worker ends with a KeyError over other prefixes.
	else if (!/^\/[^.]*\.$/.test(value) || /[{}]/.test(value.replaceAll('{db}', ''))) {
		return 'fanout_prefix is true, false, or a text that begins with / and ends with its only dot, as kombu’s workers need it; {db} in it stands for the database. For example /shop{db}.';
	} else options.fanoutPrefix = value;
	return null;
}
