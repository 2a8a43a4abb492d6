/** How a profile keeps where Celery's results are: the address in the profile, its password in the vault. */
import type { Profile, ResultsAddress } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { SecretChanges } from '#main/profiles/profiles.ts';
import { formatRedis, parseRedis } from '#main/profiles/redis-address.ts';

/** What of a profile this is about. */
interface Kept {
	readonly kept: Pick<Profile, 'results'>;
	readonly secrets: SecretChanges;
}

/**
 * What a person gave about results, laid over what there is: `redis://host:6379/1?global_keyprefix=shop`. An empty text takes
 * the address, and its password, away. `rpc://` is of the broker: its results come to who sent the task.
 */
export function readResults(
	input: Pick<HandlerInput<'profile.add'>, 'results'>,
	{ framework, broker }: Pick<Profile, 'framework' | 'broker'>,
	old: Profile | null,
): Result<Kept> {
	const text = input.results?.trim();
	if (framework !== 'celery' && text !== undefined && text !== '') {
		return refuse('Only Celery has a result backend; this profile is of another framework.');
	}
	const before = old?.results ?? null;
	if (before?.kind === 'rpc' && text === undefined && broker.kind !== 'amqp') return noRpc();
	if (text === undefined) return ok({ kept: { results: before }, secrets: {} });
	if (text === '') return ok({ kept: { results: null }, secrets: { results: null } });
	if (/^rpc:(\/\/)?$/i.test(text)) {
		return broker.kind === 'amqp' ? ok({ kept: { results: { kind: 'rpc' } }, secrets: { results: null } }) : noRpc();
	}
	if (/^rpc:/i.test(text)) return refuse('Write rpc:// alone: such results travel through the broker of the profile.');
	if (
		/^(db\+|django-db|mongodb|cache|memcached|elasticsearch|s3|filesystem|file|couch|cassandra|dynamodb)/i.test(text)
	) {
		return unsupported('Warren reads results from Redis (redis://…). Of other backends it knows what events tell.');
	}
	let keyPrefix = '';
	const parsed = parseRedis(text, {
		names: ['global_keyprefix'],
		take: (_name, value) => {
			keyPrefix = value;
			return null;
		},
	});
	if (!parsed.ok) return refuse(parsed.error.message);
	const { address, password } = parsed.value;
	const results: ResultsAddress = { kind: 'redis', address, keyPrefix };
	// The password of another server is another one; of the same one it stays unless a new one is written.
	const same = before?.kind === 'redis' && JSON.stringify(before.address) === JSON.stringify(address);
	const secrets = password === null ? (same ? {} : { results: null }) : { results: password === '' ? null : password };
	return ok({ kept: { results }, secrets });
}

/** Where results are, as `readResults` reads it again, without a password; null: nobody said. */
export function resultsUrl(profile: Pick<Profile, 'results'>): string | null {
	const { results } = profile;
	if (results === undefined || results === null) return null;
	if (results.kind === 'rpc') return 'rpc://';
	const more = results.keyPrefix === '' ? [] : [['global_keyprefix', results.keyPrefix] as const];
	return formatRedis(results.address, new Map(more));
}

function noRpc(): Result<never> {
	return unsupported(
		'Results by rpc:// are taken in over RabbitMQ only; over Redis kombu keeps them in lists that live as long as their client.',
	);
}

function refuse(message: string): Result<never> {
	return fail('invalid-input', `results: ${message}`, { details: { field: 'results' } });
}

function unsupported(message: string): Result<never> {
	return fail('unsupported', `results: ${message}`, { details: { field: 'results' } });
}
