import { expect, it } from 'vitest';
import { readResults, resultsUrl } from '#main/engine/results-settings.ts';

const read = (results: string, framework: 'celery' | 'carrot' = 'celery') => readResults({ results }, framework, null);

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
	expect(readResults({}, 'celery', null)).toMatchObject({ ok: true, value: { secrets: {} } });
});

it('refuses what it cannot read, with what it can', () => {
	expect(read('rpc://')).toMatchObject({ ok: false, error: { code: 'unsupported' } });
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
