/** The draft of alarm rules: what is faulty is told before it is sent, and what is refused stays as it was typed. */
import { describe, expect, it } from 'vitest';
import {
	ALARM_NAMES,
	ALARM_RULES,
	type AlarmChange,
	changedAlarms,
	DEFAULT_ALARMS,
	readQuietHours,
} from '#main/domain/alarm.ts';
import { readDuration } from '#main/domain/query-values.ts';
import type { Output } from '#main/ipc/contract.ts';
import { AlarmRules } from '#renderer/state/alarm-rules.svelte.ts';
import { FakeEngine } from './fake-engine.ts';

/** Answers as the engine does, by the same rules of the domain. */
function scene() {
	const engine = new FakeEngine();
	let settings = DEFAULT_ALARMS;
	const view = (): Output<'alarm.list'> => ({
		items: [],
		total: 0,
		at: null,
		watched: true,
		tells: true,
		rules: ALARM_NAMES.map((rule) => ({ rule, ...ALARM_RULES[rule], ...settings.rules[rule] })),
		quiet: settings.quiet,
	});
	engine.handlers.set('alarm.list', () => ({ ok: true, value: view() }));
	engine.handlers.set('alarm.set', (input) => {
		const forMs = typeof input.for === 'string' ? readDuration(input.for) : null;
		const change = {
			...(input.rule === undefined ? {} : { rule: input.rule }),
			...(input.on === true ? { enabled: true } : input.off === true ? { enabled: false } : {}),
			...(input.threshold === undefined ? {} : { threshold: input.threshold }),
			...(typeof forMs === 'number' ? { forMs } : {}),
			...(input.quiet === undefined ? {} : { quiet: readQuietHours(String(input.quiet)) }),
			...(input.default === true ? { reset: true } : {}),
		} as AlarmChange;
		const next = changedAlarms(settings, change);
		if (!next.ok) return { ok: false, error: { ...next.error, ref: 'r' } };
		settings = next.value;
		return { ok: true, value: view() };
	});
	return { engine, settings: () => settings };
}
const setCalls = (engine: FakeEngine) => engine.calls.filter(({ route }) => route === 'alarm.set');
const ruleOf = (rules: AlarmRules, name: string) => {
	const found = rules.view?.rules.find(({ rule }) => rule === name);
	if (found === undefined) throw new Error(`No rule ${name}.`);
	return found;
};

async function opened() {
	const { engine, settings } = scene();
	const rules = new AlarmRules(engine, 'shop');
	await rules.read();
	if (rules.draft === null) throw new Error('The rules were not read.');
	return { engine, settings, rules, draft: rules.draft };
}

describe('alarm rules on the screen', () => {
	it('send only what was changed, and are as they were saved', async () => {
		const { engine, settings, rules, draft } = await opened();
		expect(rules.changed).toBe(false);
		draft['oldest-waiting'].threshold = '60';
		draft['oldest-waiting'].for = '2m';
		draft.restarts.on = false;
		rules.quiet = '22:00-07:00';
		expect(rules.changed).toBe(true);
		expect(await rules.save()).toBe(true);
		expect(setCalls(engine)).toHaveLength(3);
		expect(settings().rules['oldest-waiting']).toEqual({ enabled: true, threshold: 60, forMs: 120_000 });
		expect(settings().rules.restarts.enabled).toBe(false);
		expect(settings().quiet).toEqual({ from: 22 * 60, to: 7 * 60 });
		expect(rules.changed).toBe(false);
		expect(rules.quiet).toBe('22:00-07:00');
	});

	it('are not sent while something in them cannot be', async () => {
		const { engine, rules, draft } = await opened();
		draft['task-limit'].on = true;
		expect(rules.fault(ruleOf(rules, 'task-limit'))).toMatchObject({ field: 'threshold' });
		draft['task-limit'].threshold = 'many';
		expect(rules.fault(ruleOf(rules, 'task-limit'))).toMatchObject({ field: 'threshold' });
		draft['task-limit'].threshold = '8';
		expect(rules.fault(ruleOf(rules, 'task-limit'))).toBeNull();
		draft.unreachable.for = 'soon';
		expect(rules.fault(ruleOf(rules, 'unreachable'))).toMatchObject({ field: 'for' });
		draft.unreachable.for = '0s';
		rules.quiet = '25:00-07:00';
		expect(rules.quietFault).not.toBeNull();
		expect(await rules.save()).toBe(false);
		expect(setCalls(engine)).toEqual([]);
		rules.quiet = '';
		expect(await rules.save()).toBe(true);
		expect(setCalls(engine)).toHaveLength(2);
	});

	it('keep what was typed beside what was refused', async () => {
		const { engine, rules, draft } = await opened();
		engine.handlers.set('alarm.set', () => ({
			ok: false,
			error: { code: 'read-only', message: 'This profile is read-only.', retryable: false, ref: 'r' },
		}));
		draft.restarts.threshold = '5';
		expect(await rules.save()).toBe(false);
		expect(rules.draft?.restarts.threshold).toBe('5');
		expect(rules.fault(ruleOf(rules, 'restarts'))?.words).toContain('read-only');
		rules.reset();
		expect(rules.changed).toBe(false);
		expect(rules.faulty).toBe(false);
	});

	it('go back to how they are out of the box', async () => {
		const { settings, rules, draft } = await opened();
		draft.restarts.on = false;
		await rules.save();
		await rules.restore();
		expect(settings()).toEqual(DEFAULT_ALARMS);
		expect(rules.draft?.restarts.on).toBe(true);
	});
});
