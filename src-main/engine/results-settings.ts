/** How a profile keeps where Celery's results are: the address in the profile, its password in the vault. */
import type { BrokerAddress, Profile, ResultsAddress } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { SecretChanges } from '#main/profiles/profiles.ts';
import { formatRedis, parseRedis } from '#main/profiles/redis-address.ts';

/** What of a profile this is about. */
interface Kept {
	readonly kept: Pick<Profile, 'results' | 'sentEvents'>;
	readonly secrets: SecretChanges;
}

/**
 * What a person gave about results, laid over what there is: `redis://host:6379/1?global_keyprefix=shop` or `rpc://`. An empty text
 * takes the address, and its password, away.
 */
export function readResults(
	input: Pick<HandlerInput<'profile.add'>, 'results' | 'sentEvents'>,
	framework: Profile['framework'],
	broker: BrokerAddress,
	old: Profile | null,
): Result<Kept> {
	const text = input.results?.trim();
	if (framework !== 'celery' && (text !== undefined || input.sentEvents === true) && text !== '') {
		return refuse('Only Celery has a result backend and task-sent events; this profile is of another framework.');
	}
	const sentEvents = input.sentEvents ?? old?.sentEvents;
	const rest = sentEvents === undefined ? {} : { sentEvents };
	const before = old?.results ?? null;
	if (text === undefined) return ok({ kept: { ...rest, results: before }, secrets: {} });
	if (text === '') return ok({ kept: { ...rest, results: null }, secrets: { results: null } });
	if (/^rpc:(\/\/)?$/i.test(text)) {
		if (broker.kind !== 'amqp')
			return refuse('rpc:// sends results through RabbitMQ; this profile has another broker.');
		return ok({ kept: { ...rest, results: { kind: 'rpc' } }, secrets: { results: null } });
	}
	if (
		/^(db\+|django-db|mongodb|cache|memcached|elasticsearch|s3|filesystem|file|couch|cassandra|dynamodb)/i.test(text)
	) {
		return fail(
			'unsupported',
			'results: Warren reads results from Redis (redis://…) and by rpc://. Of other backends it knows what events tell.',
			{ details: { field: 'results' } },
		);
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
	return ok({ kept: { ...rest, results }, secrets });
}

/** Where results are, as `readResults` reads it again, without a password; null: nobody said. */
export function resultsUrl(profile: Pick<Profile, 'results'>): string | null {
	const { results } = profile;
	if (results === undefined || results === null) return null;
	if (results.kind === 'rpc') return 'rpc://';
	const more = results.keyPrefix === '' ? [] : [['global_keyprefix', results.keyPrefix] as const];
	return formatRedis(results.address, new Map(more));
}

function refuse(message: string): Result<never> {
	return fail('invalid-input', `results: ${message}`, { details: { field: 'results' } });
}
