import { describe, expect, it } from 'vitest';
import {
	type AlarmBoard,
	type AlarmRound,
	type AlarmSettings,
	alarmRound,
	changedAlarms,
	DEFAULT_ALARMS,
	EMPTY_BOARD,
	isQuiet,
	quietWords,
	readAlarmSettings,
	readQuietHours,
	type Symptom,
} from '#main/domain/alarm.ts';
import { must } from '#test/support/brokers.ts';

const SECOND = 1_000;
const START = 1_800_000_000_000;

/** Rounds two seconds apart, each with what is seen in it. */
function rounds(settings: AlarmSettings = DEFAULT_ALARMS) {
	let board: AlarmBoard = EMPTY_BOARD;
	let now = START;
	return {
		take(symptoms: readonly Symptom[], more: { after?: number; quiet?: boolean; partial?: boolean } = {}): AlarmRound {
			now += more.after ?? 2 * SECOND;
			const round = alarmRound(board, symptoms, settings, {
				now,
				quiet: more.quiet ?? false,
				partial: more.partial ?? false,
			});
			board = round.board;
			return round;
		},
		/** The same for as long as told. */
		last(symptoms: readonly Symptom[], ms: number, more: { quiet?: boolean } = {}): readonly AlarmRound[] {
			return Array.from({ length: ms / (2 * SECOND) }, () => this.take(symptoms, more));
		},
	};
}
const waits = (value: number, subject = 'shop'): Symptom => ({
	rule: 'oldest-waiting',
	subject,
	value,
	words: `${value}`,
});
const told = (all: readonly AlarmRound[]): number => all.reduce((sum, { tell }) => sum + tell.length, 0);

describe('an alarm', () => {
	it('is raised once what is amiss has lasted as long as its rule says, and told once', () => {
		const watch = rounds();
		expect(watch.take([waits(300)])).toMatchObject({
			raised: [],
			tell: [],
			board: { alarms: [{ state: 'building' }] },
		});
		const all = watch.last([waits(310)], 60 * SECOND);
		expect(all.flatMap(({ raised }) => raised)).toMatchObject([{ rule: 'oldest-waiting', subject: 'shop' }]);
		expect(all.findIndex(({ raised }) => raised.length > 0)).toBe(14);
		expect(told(all)).toBe(1);
	});

	it('is none where it was better in between', () => {
		const watch = rounds();
		const all = [
			...watch.last([waits(400)], 28 * SECOND),
			watch.take([waits(100)]),
			...watch.last([waits(400)], 28 * SECOND),
		];
		expect(all.flatMap(({ raised }) => raised)).toEqual([]);
	});

	it('does not flap at the edge of its threshold, nor when it comes and goes', () => {
		const watch = rounds();
		const all = [...watch.last([waits(300)], 40 * SECOND)];
		for (let turn = 0; turn < 50; turn += 1) all.push(watch.take([waits(turn % 2 === 0 ? 299 : 301)]));
		for (let turn = 0; turn < 50; turn += 1) all.push(watch.take(turn % 3 === 0 ? [waits(500)] : []));
		expect(told(all)).toBe(1);
		expect(all.flatMap(({ raised }) => raised)).toHaveLength(1);
		expect(all.flatMap(({ cleared }) => cleared)).toEqual([]);
	});

	it('is over when it was over for half a minute, and told again when it comes back', () => {
		const watch = rounds();
		const bad = watch.last([waits(300)], 40 * SECOND);
		const good = watch.last([], 34 * SECOND);
		expect(good[0]?.board.alarms).toMatchObject([{ state: 'calming' }]);
		expect(good.flatMap(({ cleared }) => cleared)).toMatchObject([{ subject: 'shop' }]);
		expect(good.at(-1)?.board.alarms).toEqual([]);
		expect(told([...bad, ...watch.last([waits(300)], 40 * SECOND)])).toBe(2);
	});

	it('of a rule without a duration is raised at once, and each subject has its own', () => {
		const lost = (subject: string): Symptom => ({ rule: 'cluster-lost', subject, value: 1, words: subject });
		const watch = rounds();
		expect(watch.take([lost('a')]).raised).toHaveLength(1);
		expect(watch.take([lost('a'), lost('b')])).toMatchObject({ raised: [{ subject: 'b' }], tell: [{ subject: 'b' }] });
	});

	it('does not count the time in which nobody looked', () => {
		const watch = rounds();
		watch.take([waits(300)]);
		expect(watch.take([waits(9_000)], { after: 3_600 * SECOND }).raised).toEqual([]);
		expect(watch.last([waits(9_000)], 30 * SECOND).flatMap(({ raised }) => raised)).toHaveLength(1);
	});

	it('stays while its source cannot be reached', () => {
		const watch = rounds();
		watch.last([waits(300)], 40 * SECOND);
		const gone: Symptom = { rule: 'unreachable', subject: '', value: 1, words: 'No answer.' };
		for (let turn = 0; turn < 60; turn += 1) watch.take([gone], { partial: true });
		const after = watch.take([gone], { partial: true });
		expect(after.board.alarms.map(({ rule, state }) => [rule, state])).toEqual([
			['unreachable', 'raised'],
			['oldest-waiting', 'raised'],
		]);
	});

	it('is shown in quiet hours and told at their end, if it is still one', () => {
		const watch = rounds();
		const night = watch.last([waits(300)], 60 * SECOND, { quiet: true });
		expect(told(night)).toBe(0);
		expect(night.at(-1)?.board.alarms).toMatchObject([{ state: 'raised', told: false }]);
		expect(watch.take([waits(300)]).tell).toHaveLength(1);
		expect(watch.take([waits(300)]).tell).toEqual([]);
	});

	it('goes at once when its rule is switched off', () => {
		const watch = rounds();
		const before = watch.last([waits(300)], 40 * SECOND).at(-1)?.board ?? EMPTY_BOARD;
		const off = must(changedAlarms(DEFAULT_ALARMS, { rule: 'oldest-waiting', enabled: false }));
		const now = (before.at ?? 0) + 2 * SECOND;
		expect(alarmRound(before, [waits(300)], off, { now, quiet: false, partial: false })).toMatchObject({
			board: { alarms: [] },
			cleared: [{ subject: 'shop' }],
		});
	});
});

describe('the settings of alarms', () => {
	it('are changed one rule at a time, and a limit switches its rule on', () => {
		const limit = must(changedAlarms(DEFAULT_ALARMS, { rule: 'task-limit', threshold: 8, forMs: 60_000 }));
		expect(limit.rules['task-limit']).toEqual({ enabled: true, threshold: 8, forMs: 60_000 });
		expect(limit.rules.restarts).toEqual(DEFAULT_ALARMS.rules.restarts);
		expect(must(changedAlarms(limit, { reset: true }))).toEqual(DEFAULT_ALARMS);
	});

	it('refuse a threshold where there is none, and a rule that lacks one', () => {
		expect(changedAlarms(DEFAULT_ALARMS, { rule: 'no-cluster', threshold: 3 })).toMatchObject({ ok: false });
		expect(changedAlarms(DEFAULT_ALARMS, { rule: 'task-limit', enabled: true })).toMatchObject({ ok: false });
		expect(changedAlarms(DEFAULT_ALARMS, { threshold: 3 })).toMatchObject({ ok: false });
	});

	it('come back as they were kept, and what is damaged is as out of the box', () => {
		const changed = must(
			changedAlarms(DEFAULT_ALARMS, { rule: 'restarts', threshold: 9, quiet: { from: 1_320, to: 420 } }),
		);
		expect(readAlarmSettings(JSON.stringify(changed))).toEqual(changed);
		expect(readAlarmSettings('{"rules": {"restarts": {"forMs": -1}}}')).toEqual(DEFAULT_ALARMS);
		expect(readAlarmSettings('no')).toEqual(DEFAULT_ALARMS);
	});

	it('know quiet hours across midnight', () => {
		const night = readQuietHours('22:00-07:00');
		expect([1_319, 1_320, 0, 419, 420].map((minute) => isQuiet(night, minute))).toEqual([
			false,
			true,
			true,
			true,
			false,
		]);
		expect(isQuiet(readQuietHours('12:00-13:30'), 800)).toBe(true);
		expect(isQuiet(null, 0)).toBe(false);
		expect(['25:00-07:00', 'night', '7-8'].map(readQuietHours)).toEqual([null, null, null]);
		expect(quietWords(night)).toBe('22:00-07:00');
	});
});
