/**
 * Django's cache as far as django-q uses it: clusters whose broker is no Redis (the database, SQS, MongoDB) beat there, and where it is kept in
 * a Redis they can be seen. Both of Django's backends for Redis write keys as `KEY_PREFIX:VERSION:key`.
 */
import { fail, ok, type Result } from './result.ts';

/** Whose keys they are among all of a Redis. */
export interface DjangoCache {
	/** `KEY_PREFIX` of the cache in `CACHES`; usually empty. */
	readonly keyPrefix: string;
	/** `VERSION`; usually 1. */
	readonly version: number;
}

const LONGEST = 200;

/** `KEY_PREFIX:VERSION`, as a person reads it off a key: Django's own default is `:1`. */
export function readDjangoCache(text: string): Result<DjangoCache> {
	const found = /^(.*):(\d{1,9})$/s.exec(text);
	if (found?.[1] === undefined || found[2] === undefined || found[1].length > LONGEST) {
		return fail(
			'invalid-input',
			`cache: "${text}" is not how a cache's keys begin. Write KEY_PREFIX:VERSION, as in CACHES; where neither is set that is ":1".`,
			{ details: { field: 'cache' } },
		);
	}
	return ok({ keyPrefix: found[1], version: Number(found[2]) });
}

/** The other way round. */
export function formatDjangoCache({ keyPrefix, version }: DjangoCache): string {
	return `${keyPrefix}:${version}`;
}

/** What begins all of its keys in the Redis. */
export function cacheLead(cache: DjangoCache): string {
	return `${formatDjangoCache(cache)}:`;
}
