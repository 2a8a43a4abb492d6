import { describe, expect, it } from 'vitest';
import { CELERY_SETTINGS, type Profile } from '#main/domain/profile.ts';
import { asidesOf, celeryOf, readCelery } from '#main/engine/celery-settings.ts';

const before = { celery: { ...CELERY_SETTINGS, controlExchange: 'shop', eventExchange: 'shop.events' } } as Profile;

describe('names of a Celery deployment', () => {
	it("are Celery's own where nothing was ever said, and nothing is kept of them", () => {
		expect(readCelery({}, 'celery', null)).toEqual({ ok: true, value: { celery: null } });
		expect(celeryOf({})).toEqual(CELERY_SETTINGS);
		expect(asidesOf({ celery: null })).toEqual({ events: 'celeryev', replies: 'reply.celery.pidbox' });
	});

	it('are laid over what there was, and an empty one is as usual again', () => {
		const edited = readCelery({ eventExchange: '', eventQueuePrefix: ' mon ' }, 'celery', before);
		expect(edited).toEqual({
			ok: true,
			value: { celery: { controlExchange: 'shop', eventExchange: 'celeryev', eventQueuePrefix: 'mon' } },
		});
		expect(readCelery({ controlExchange: '', eventExchange: '' }, 'celery', before)).toEqual({
			ok: true,
			value: { celery: null },
		});
		expect(asidesOf(before)).toEqual({ events: 'shop.events', replies: 'reply.shop.pidbox' });
	});

	it('tell of tasks that are sent from here only where that was said', () => {
		const told = readCelery({ sentEvents: true }, 'celery', null);
		expect(told).toEqual({ ok: true, value: { celery: { ...CELERY_SETTINGS, sentEvents: true } } });
		const profile = { celery: told.ok ? told.value.celery : null } as Profile;
		expect(readCelery({ sentEvents: false }, 'celery', profile)).toEqual({ ok: true, value: { celery: null } });
	});

	it.each([
		[{ sentEvents: true }, 'carrot', 'sentEvents', 'Only Celery'],
		[{ controlExchange: 'shop.pidbox' }, 'celery', 'controlExchange', 'without ".pidbox"'],
		[{ controlExchange: 'a\x06b' }, 'celery', 'controlExchange', 'character'],
		[{ eventExchange: 'e'.repeat(151) }, 'celery', 'eventExchange', '151 bytes'],
		[{ eventExchange: 'celery.pidbox' }, 'celery', 'eventExchange', 'remote control'],
		[{ eventQueuePrefix: 'amq.events' }, 'celery', 'eventQueuePrefix', 'amq.'],
		[{ eventExchange: 'shop' }, 'carrot', 'eventExchange', 'another framework'],
	] as const)('%j of %s is refused at its field', (input, framework, field, words) => {
		const read = readCelery(input, framework, null);
		if (read.ok) throw new Error('It was taken.');
		expect(read.error).toMatchObject({ code: 'invalid-input', details: { field } });
		expect(read.error.message).toContain(words);
	});
});
