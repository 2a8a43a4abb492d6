/**
 * A Redis as broker: its address with kombu's transport options as parameters, by their own names (`broker_transport_options` in
 * Celery's settings), since whoever reads a queue must lay and find keys exactly as the workers do.
 */
import type { RedisBrokerAddress } from '../domain/profile.ts';
import { ok, type Result } from '../domain/result.ts';
import { formatRedis, parseRedis } from './redis-address.ts';

type Options = Omit<RedisBrokerAddress, 'kind' | 'host' | 'port' | 'db' | 'username' | 'tls' | 'socket'>;
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

const NAMES = ['global_keyprefix', 'priority_steps', 'sep', 'visibility_timeout', 'unacked_key', 'unacked_index_key'];

/** Reads `redis://`, `rediss://` and `redis+socket://` with kombu's options. Failures as `parseRedis` has them. */
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
	};
	const usual: Readonly<Record<string, string>> = {
		global_keyprefix: '',
		priority_steps: KOMBU_DEFAULTS.prioritySteps.join(','),
		sep: KOMBU_DEFAULTS.separator,
		visibility_timeout: String(KOMBU_DEFAULTS.visibilityTimeout),
		unacked_key: KOMBU_DEFAULTS.unackedKey,
		unacked_index_key: KOMBU_DEFAULTS.unackedIndexKey,
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
		default:
			// A key or separator of nothing would make several things one.
			if (value === '') return `The parameter "${name}" has no value.`;
			if (name === 'sep') options.separator = value;
			else if (name === 'unacked_key') options.unackedKey = value;
			else options.unackedIndexKey = value;
			return null;
	}
}
