import { expect, it } from 'vitest';
import type { Profile } from '#main/domain/profile.ts';
import { readResults, resultsUrl } from '#main/engine/results-settings.ts';
import { parseBroker } from '#main/profiles/address.ts';

const on = (url: string) => {
	const parsed = parseBroker(url);
	if (!parsed.ok) throw new Error(parsed.error.message);
	return parsed.value.address;
};
const RABBIT = on('amqp://host');
const read = (results: string, framework: 'celery' | 'carrot' = 'celery', broker = RABBIT) =>
	readResults({ results }, { framework, broker }, null);

it('keeps the address without its password, which goes to the vault, and writes it so that it is read again', () => {
	const kept = read('redis://user:pw@host:6380/2?global_keyprefix=shop');
	if (!kept.ok) throw new Error(kept.error.message);
	expect(kept.value.secrets).toEqual({ results: 'pw' });
	expect(JSON.stringify(kept.value.kept)).not.toContain('pw');
	const url = resultsUrl(kept.value.kept) ?? '';
	expect(url).toBe('redis://user@host:6380/2?global_keyprefix=shop');
	expect(read(url)).toMatchObject({ ok: true, value: { kept: kept.value.kept } });
});

it('takes the address and its password away with an empty text, and leaves both where nothing is said', () => {
	expect(read('')).toMatchObject({ ok: true, value: { kept: { results: null }, secrets: { results: null } } });
	expect(readResults({}, { framework: 'celery', broker: RABBIT }, null)).toMatchObject({
		ok: true,
		value: { secrets: {} },
	});
});

it('refuses what it cannot read, with what it can', () => {
	expect(read('db+postgresql://host/x')).toMatchObject({
		ok: false,
		error: { message: expect.stringContaining('redis://') },
	});
	expect(read('redis://host/1', 'carrot')).toMatchObject({
		ok: false,
		error: { message: expect.stringContaining('Only Celery') },
	});
	expect(read('redis://host/x')).toMatchObject({ ok: false, error: { details: { field: 'results' } } });
});

it('takes rpc:// over RabbitMQ, and says why not over Redis, whether it is given or was kept', () => {
	const rpc = read('rpc://');
	expect(rpc).toEqual({ ok: true, value: { kept: { results: { kind: 'rpc' } }, secrets: { results: null } } });
	expect(resultsUrl({ results: { kind: 'rpc' } })).toBe('rpc://');
	const refused = { ok: false, error: { code: 'unsupported', message: expect.stringContaining('RabbitMQ only') } };
	expect(read('rpc://', 'celery', on('redis://host'))).toMatchObject(refused);
	const old = { results: { kind: 'rpc' } } as Profile;
	expect(readResults({}, { framework: 'celery', broker: on('redis://host') }, old)).toMatchObject(refused);
	expect(read('rpc://host')).toMatchObject({ ok: false, error: { message: expect.stringContaining('rpc:// alone') } });
});
