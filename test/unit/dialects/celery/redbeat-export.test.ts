import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RedbeatWorld } from '#main/dialects/celery/redbeat.ts';
import { exportRedbeat, readRedbeatExport } from '#main/dialects/celery/redbeat-export.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { knowsZone } from '#main/scheduler/zones.ts';

const WORLD: RedbeatWorld = { zone: 'UTC', knowsZone, now: 1_800_000_000_000 };
const FIXTURE = JSON.parse(
	readFileSync(new URL('../../../fixtures/celery/redbeat-2.4.2.json', import.meta.url), 'utf8'),
);
const EXT: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'ext',
	task: 'labapp.add',
	queue: 'rbq',
	recurrence: { kind: 'every', count: 2, unit: 'seconds', align: 'last-run' },
	args: '1, 1',
};
const DEFINITION: string = FIXTURE.steps[0].state.definition;

function read(text: string) {
	const result = readRedbeatExport(text, 'redbeat:', WORLD);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

describe('an export of RedBeat', () => {
	it('is its keys, and is read back whole', () => {
		const other = { ...EXT, name: 'a: "b"', kwargs: '{"id": 9223372036854775809}', active: false };
		const { text, skipped } = exportRedbeat([EXT, other], 'redbeat:', WORLD);
		expect(skipped).toEqual([]);
		expect(text.startsWith(`{\n\t"redbeat:ext": {"definition": ${DEFINITION}},\n`)).toBe(true);
		expect(read(text)).toEqual({ definitions: [EXT, other], skipped: [] });
		expect(read(exportRedbeat([], 'redbeat:', WORLD).text)).toEqual({ definitions: [], skipped: [] });
	});

	it('leaves out what RedBeat cannot keep, and says why', () => {
		const { text, skipped } = exportRedbeat(
			[{ ...EXT, recurrence: { kind: 'cron', expression: '@daily' } }, EXT],
			'redbeat:',
			WORLD,
		);
		expect(skipped).toEqual([{ name: 'ext', reason: expect.stringContaining('five fields') }]);
		expect(read(text).definitions).toEqual([EXT]);
	});
});

describe('an import', () => {
	it('takes definitions alone, in a list, as text, and as a dump has them', () => {
		for (const text of [
			DEFINITION,
			`[${DEFINITION}]`,
			`[${JSON.stringify(DEFINITION)}]`,
			JSON.stringify({ 'redbeat:ext': { definition: DEFINITION, meta: '{"last_run_at":null}' } }),
			JSON.stringify({ 'redbeat:ext': { type: 'hash', value: { definition: JSON.parse(DEFINITION) } } }),
			JSON.stringify({ 'redbeat:ext': JSON.parse(DEFINITION) }),
		]) {
			expect(read(text), text).toEqual({ definitions: [EXT], skipped: [] });
		}
	});

	it("reads a dump of all of RedBeat's keys, and passes over those that are no schedules", () => {
		const { definitions, skipped } = read(JSON.stringify(FIXTURE.initial));
		expect(skipped).toEqual([]);
		expect(definitions.map(({ name }) => name)).toEqual([
			'celery.backend_cleanup',
			'py-interval',
			'py-rrule',
			'static-cron',
			'static-interval',
		]);
	});

	it('leaves out what would end beat, and what is no schedule', () => {
		const solar: string = FIXTURE.steps.at(-1).state.definition;
		const { definitions, skipped } = read(
			`{"redbeat:a": ${DEFINITION}, "redbeat:ext": ${solar}, "redbeat:b": {"meta": {}}}`,
		);
		expect(definitions).toHaveLength(1);
		expect(skipped).toEqual([
			{ name: 'ext', reason: expect.stringContaining('no schedule of type "solar"') },
			{ name: 'b', reason: 'It has no definition.' },
		]);
	});

	it('refuses other documents, and says what is read', () => {
		for (const text of ['5', '{"a": 1}', '[1, 2]', '"x"', '[{"name": "a"}]']) {
			const result = readRedbeatExport(text, 'redbeat:', WORLD);
			expect(result.ok ? '' : result.error.message, text).toContain('{"redbeat:name": {"definition": {…}}}');
		}
		expect(readRedbeatExport('{"redbeat:a": ', 'redbeat:', WORLD).ok).toBe(false);
	});
});
