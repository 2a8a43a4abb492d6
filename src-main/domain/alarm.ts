/**
 * Alarms: what is amiss with a deployment, for how long it must be, and who is told when. A source says what it sees as symptoms, once a
 * round; rules decide when a symptom becomes an alarm. Neither knows of the other, so that every framework shares the rules. Pure.
 */
import { fail, ok, type Result } from './result.ts';

/** What an alarm can be about. */
export type AlarmRule =
	| 'unreachable'
	| 'no-cluster'
	| 'cluster-lost'
	| 'heartbeat-late'
	| 'stuck-queue'
	| 'task-limit'
	| 'results-rising'
	| 'pool-short'
	| 'restarts'
	| 'oldest-waiting'
	| 'queue-length'
	| 'unsigned';

/** When a rule speaks. */
export interface AlarmSetting {
	readonly enabled: boolean;
	/** From which value on it speaks, in the rule's unit; null: the rule has none, or does not speak without one. */
	readonly threshold: number | null;
	/** How long it must last, ms. */
	readonly forMs: number;
}

/** What a rule watches for, and how it is set out of the box. */
export interface AlarmRuleInfo extends AlarmSetting {
	readonly words: string;
	/** What the threshold counts; null: the rule has none. */
	readonly unit: string | null;
}

const SECOND = 1_000;
const MINUTE = 60_000;

/** Every rule, gravest first. */
export const ALARM_RULES: Readonly<Record<AlarmRule, AlarmRuleInfo>> = {
	unreachable: rule('The broker cannot be reached', null, null, 15 * SECOND),
	'no-cluster': rule('No cluster of the site beats', null, null, 15 * SECOND),
	'stuck-queue': rule('A queue grows while every cluster says Idle', 'packets more', 10, MINUTE),
	'cluster-lost': rule('A cluster went without a word', null, null, 0),
	'heartbeat-late': rule('A heartbeat is late', 'seconds', 5, 10 * SECOND),
	unsigned: rule('Heartbeats do not verify by the SECRET_KEY', 'clusters', 1, 10 * SECOND),
	'oldest-waiting': rule('The next packet of a queue waits too long', 'seconds', 300, 30 * SECOND),
	'pool-short': rule('A cluster has fewer workers than it had', 'workers missing', 1, MINUTE),
	'results-rising': rule('Results wait to be written, more and more', 'results more', 20, 2 * MINUTE),
	restarts: rule('Many processes are replaced', 'in an hour', 120, 0),
	// What the limit is no heartbeat tells.
	'task-limit': { ...rule("A cluster's memory is full of tasks", 'tasks (TQ)', null, 5 * MINUTE), enabled: false },
	'queue-length': { ...rule('A queue is long', 'packets', 1_000, MINUTE), enabled: false },
};

/** The rules' names, gravest first. */
export const ALARM_NAMES = Object.keys(ALARM_RULES) as readonly AlarmRule[];

function rule(words: string, unit: string | null, threshold: number | null, forMs: number): AlarmRuleInfo {
	return { words, unit, threshold, forMs, enabled: true };
}

/** A time of day in which nobody is notified, in minutes since midnight of this machine; `from` may be after `to`. */
export interface QuietHours {
	readonly from: number;
	readonly to: number;
}

export interface AlarmSettings {
	readonly rules: Readonly<Record<AlarmRule, AlarmSetting>>;
	readonly quiet: QuietHours | null;
}

/** A change of rules; what is left out stays. */
export interface AlarmChange {
	readonly rule?: AlarmRule;
	readonly enabled?: boolean;
	readonly threshold?: number | null;
	readonly forMs?: number;
	readonly quiet?: QuietHours | null;
	/** Everything as it is out of the box. */
	readonly reset?: boolean;
}

/** As it is out of the box. */
export const DEFAULT_ALARMS: AlarmSettings = {
	rules: Object.fromEntries(ALARM_NAMES.map((name) => [name, settingOf(ALARM_RULES[name])])) as AlarmSettings['rules'],
	quiet: null,
};

function settingOf({ enabled, threshold, forMs }: AlarmSetting): AlarmSetting {
	return { enabled, threshold, forMs };
}

/** Settings after a change. `invalid-input` where a rule is not named, has no threshold, or cannot speak without one. */
export function changedAlarms(settings: AlarmSettings, change: AlarmChange): Result<AlarmSettings> {
	const from = change.reset === true ? DEFAULT_ALARMS : settings;
	const quiet = change.quiet === undefined ? from.quiet : change.quiet;
	const { rule: name, enabled, threshold, forMs } = change;
	if (name === undefined) {
		return enabled === undefined && threshold === undefined && forMs === undefined
			? ok({ ...from, quiet })
			: fail('invalid-input', `Which rule? One of: ${ALARM_NAMES.join(', ')}.`, { details: { field: 'rule' } });
	}
	if (threshold != null && ALARM_RULES[name].unit === null) {
		return fail('invalid-input', `${name} has no threshold: it is so or it is not.`, {
			details: { field: 'threshold' },
		});
	}
	const old = from.rules[name];
	const next: AlarmSetting = {
		// Who gives a limit wants to hear of it.
		enabled: enabled ?? (threshold == null ? old.enabled : true),
		threshold: threshold === undefined ? old.threshold : threshold,
		forMs: forMs ?? old.forMs,
	};
	if (next.enabled && next.threshold === null && ALARM_RULES[name].unit !== null) {
		return fail('invalid-input', `${name} needs a threshold (${ALARM_RULES[name].unit}).`, {
			details: { field: 'threshold' },
		});
	}
	return ok({ rules: { ...from.rules, [name]: next }, quiet });
}

/** Settings as they were kept; of what cannot be read, and of rules that came later, as they are out of the box. */
export function readAlarmSettings(json: string): AlarmSettings {
	const kept = parsed(json);
	const rules = ALARM_NAMES.map((name) => {
		const one = kept.rules?.[name];
		const { enabled, threshold, forMs } = { ...DEFAULT_ALARMS.rules[name], ...one };
		const right =
			typeof enabled === 'boolean' &&
			(threshold === null || Number.isFinite(threshold)) &&
			Number.isFinite(forMs) &&
			forMs >= 0;
		return [name, right ? { enabled, threshold, forMs } : DEFAULT_ALARMS.rules[name]] as const;
	});
	const { quiet } = kept;
	const whole = quiet != null && Number.isInteger(quiet.from) && Number.isInteger(quiet.to);
	return { rules: Object.fromEntries(rules) as AlarmSettings['rules'], quiet: whole ? quiet : null };
}

function parsed(json: string): {
	readonly rules?: Partial<AlarmSettings['rules']>;
	readonly quiet?: QuietHours | null;
} {
	try {
		const value: unknown = JSON.parse(json);
		return typeof value === 'object' && value !== null ? value : {};
	} catch {
		// Something else wrote it: as good as nothing.
		return {};
	}
}

/** One thing that a source sees in one round. */
export interface Symptom {
	readonly rule: AlarmRule;
	/** What it is about, within the rule: a cluster's id, a queue's name; empty: the site. */
	readonly subject: string;
	/** In the rule's unit; 1 where it has none. */
	readonly value: number;
	/** What is the matter, in a sentence. */
	readonly words: string;
}

/**
 * building: it is amiss, and not yet for long enough. raised: it was. calming: it is over, and not yet for long enough to say so, which
 * keeps one that comes and goes from being told again and again.
 */
export type AlarmState = 'building' | 'raised' | 'calming';

export interface Alarm extends Symptom {
	readonly state: AlarmState;
	/** Since when it is amiss, epoch ms. */
	readonly since: number;
	/** When it became an alarm; null: it has not. */
	readonly raisedAt: number | null;
	/** Since when it is over; null: it is not. */
	readonly calmSince: number | null;
	/** Somebody was notified. */
	readonly told: boolean;
}

/** All alarms after a round. */
export interface AlarmBoard {
	readonly alarms: readonly Alarm[];
	/** When the last round was; null: none yet. */
	readonly at: number | null;
}

/** No round yet. */
export const EMPTY_BOARD: AlarmBoard = { alarms: [], at: null };

/** What a round has changed, for notifications and the log. */
export interface AlarmRound {
	readonly board: AlarmBoard;
	/** Became alarms in this round. */
	readonly raised: readonly Alarm[];
	/** Are none any more. */
	readonly cleared: readonly Alarm[];
	/** To be told to somebody now: raised outside of quiet hours, or in them and still so at their end. */
	readonly tell: readonly Alarm[];
}

/** An alarm is over once its value was below this part of the threshold, so that one at its edge does not flap. */
const RELEASE = 0.8;
/** How long it must be over, ms. */
const CALM_MS = 30_000;
/** Who did not look for so long cannot say that it lasted. */
const BLIND_MS = 30_000;

/**
 * Takes what a source has seen at `now` (epoch ms). `quiet`: whether nobody is to be notified now (`isQuiet`). `partial`: not all could be
 * looked at, so that what it does not speak of stays as it was: no answer is not the end of an alarm.
 */
export function alarmRound(
	board: AlarmBoard,
	symptoms: readonly Symptom[],
	settings: AlarmSettings,
	{ now, quiet, partial }: { readonly now: number; readonly quiet: boolean; readonly partial: boolean },
): AlarmRound {
	const blind = board.at !== null && (now - board.at > BLIND_MS || now < board.at);
	const before = new Map(board.alarms.map((alarm) => [keyOf(alarm), alarm]));
	const seen = new Map(symptoms.map((symptom) => [keyOf(symptom), symptom]));
	const alarms: Alarm[] = [];
	const cleared: Alarm[] = [];
	for (const key of new Set([...before.keys(), ...seen.keys()])) {
		const old = before.get(key) ?? null;
		const symptom = seen.get(key) ?? null;
		const next = partial && symptom === null ? old : turned(old, symptom, settings, now, blind);
		if (next !== null) alarms.push(next);
		else if (old !== null && old.raisedAt !== null) cleared.push(old);
	}
	const raised = alarms.filter(({ raisedAt }) => raisedAt === now);
	const tell = quiet ? [] : alarms.filter((alarm) => alarm.state === 'raised' && !alarm.told);
	const told = new Set(tell.map(keyOf));
	const order = (alarm: Alarm): number => ALARM_NAMES.indexOf(alarm.rule);
	return {
		board: {
			at: now,
			alarms: alarms
				.map((alarm) => (told.has(keyOf(alarm)) ? { ...alarm, told: true } : alarm))
				.sort((a, b) => order(a) - order(b) || (a.subject < b.subject ? -1 : 1)),
		},
		raised,
		cleared,
		tell,
	};
}

function turned(
	old: Alarm | null,
	symptom: Symptom | null,
	settings: AlarmSettings,
	now: number,
	blind: boolean,
): Alarm | null {
	const named = symptom ?? old;
	if (named === null) return null;
	const setting = settings.rules[named.rule];
	const bare = ALARM_RULES[named.rule].unit === null;
	// Switched off, it is gone at once; so is one whose limit nobody has given.
	if (!setting.enabled || (!bare && setting.threshold === null)) return null;
	const limit = bare ? 1 : (setting.threshold ?? 0);
	const up = old !== null && old.raisedAt !== null;
	const amiss = symptom !== null && (symptom.value >= limit || (up && symptom.value >= limit * RELEASE));
	if (amiss) {
		const since = old === null || (blind && !up) ? now : old.since;
		const raisedAt = up ? old.raisedAt : now - since >= setting.forMs ? now : null;
		const told = old?.told ?? false;
		return { ...symptom, state: raisedAt === null ? 'building' : 'raised', since, raisedAt, calmSince: null, told };
	}
	if (old === null || !up) return null;
	const calmSince = old.calmSince === null || blind ? now : old.calmSince;
	return now - calmSince >= CALM_MS ? null : { ...old, ...(symptom ?? {}), state: 'calming', calmSince };
}

function keyOf({ rule: name, subject }: Pick<Symptom, 'rule' | 'subject'>): string {
	return `${name}\n${subject}`;
}

/** Whether a time of day (minutes since midnight) is within quiet hours. */
export function isQuiet(quiet: QuietHours | null, minute: number): boolean {
	if (quiet === null || quiet.from === quiet.to) return false;
	const { from, to } = quiet;
	return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** Reads `22:00-07:00`; null: it is no such thing. */
export function readQuietHours(text: string): QuietHours | null {
	const parts = /^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/.exec(text);
	if (parts === null) return null;
	const [h1, m1, h2, m2] = parts.slice(1).map(Number);
	if (h1 === undefined || m1 === undefined || h2 === undefined || m2 === undefined) return null;
	if (h1 > 23 || h2 > 23 || m1 > 59 || m2 > 59) return null;
	return { from: h1 * 60 + m1, to: h2 * 60 + m2 };
}

/** The other way round. */
export function quietWords(quiet: QuietHours | null): string {
	if (quiet === null) return 'none';
	const clock = (minute: number): string =>
		`${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
	return `${clock(quiet.from)}-${clock(quiet.to)}`;
}
