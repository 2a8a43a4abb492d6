/** What a person should know about beat and the Redis under a RedBeat book. Pure. */
import type { BookFact } from '#main/domain/schedule.ts';
import { BEAT_LOOKS_EVERY } from './redbeat-due.ts';
import type { RedbeatKeys, RedbeatSight } from './redbeat-entry.ts';
import { infoField, memoryFacts } from './shared-facts.ts';

/** What was asked besides the entries. */
export interface RedbeatAnswers {
	readonly keys: Pick<RedbeatKeys, 'lock'>;
	/** PTTL of the lock: ms; -1: it never expires; -2: there is none; null: it could not be asked. */
	readonly lockMs: number | null;
	readonly memory: string | null;
	readonly replication: string | null;
	/** Why entries that beat does not know were not looked for; null: they were. */
	readonly unsought: string | null;
	/** Epoch ms. */
	readonly now: number;
}

/** Sooner than this, beat is only a little behind. */
const LATE = 10_000;

/** The facts, the ordinary ones first. */
export function redbeatFacts(answers: RedbeatAnswers, sights: readonly RedbeatSight[]): readonly BookFact[] {
	return [
		...lockFacts(answers),
		...lateFacts(sights, answers),
		...deadlyFacts(sights),
		...memoryFacts(answers.memory),
		...replicaFacts(answers.replication),
		...(answers.unsought === null ? [] : [warned('Not looked for', answers.unsought)]),
	];
}

function warned(label: string, value: string): BookFact {
	return { label, value, tone: 'warning' };
}

function lockFacts({ lockMs, keys }: RedbeatAnswers): readonly BookFact[] {
	if (lockMs === null)
		return [warned('Beat', `Whether beat runs cannot be told: this user may not read ${keys.lock}.`)];
	if (lockMs === -2) {
		return [
			warned(
				'Beat',
				`No beat is running: nobody holds ${keys.lock}. Nothing is sent until one is started. (A beat that is told to use another lock, or none, does not show here.)`,
			),
		];
	}
	const rest = lockMs < 0 ? 'without an end' : `for another ${duration(lockMs)} unless it renews it`;
	return [
		{ label: 'Beat', value: `Runs, and holds ${keys.lock} ${rest}.`, tone: 'info' },
		{
			label: 'Notices edits',
			value: `Within ${duration(BEAT_LOOKS_EVERY)}, unless the app's beat_max_loop_interval says otherwise.`,
			tone: 'info',
		},
	];
}

/** The entry that has waited longest. Scores alone would not do: those of paused entries, and of outside edits, lie in the past. */
function lateFacts(sights: readonly RedbeatSight[], { now, lockMs }: RedbeatAnswers): readonly BookFact[] {
	let late = 0;
	let oldest: RedbeatSight | null = null;
	for (const sight of sights) {
		const { definition, nextRunAt } = sight.entry;
		// When a rule is due only beat knows.
		if (nextRunAt === null || definition.recurrence.kind === 'foreign' || now - nextRunAt < LATE) continue;
		late += 1;
		if (oldest === null || nextRunAt < (oldest.entry.nextRunAt ?? now)) oldest = sight;
	}
	if (oldest === null) return [];
	const by = now - (oldest.entry.nextRunAt ?? now);
	const others = late === 1 ? '' : ` (and ${late - 1} more)`;
	const value = `"${oldest.entry.definition.name}"${others} was due ${duration(by)} ago and did not run.`;
	const tone = by > BEAT_LOOKS_EVERY || lockMs === -2 ? 'warning' : 'info';
	return [{ label: 'Late', value, tone }];
}

function deadlyFacts(sights: readonly RedbeatSight[]): readonly BookFact[] {
	const facts: BookFact[] = [];
	const about = (effect: 'ends' | 'stalls', label: string, words: string) => {
		const names = sights
			.filter((sight) => sight.raw.score !== null && sight.problems.some((problem) => problem.effect === effect))
			.map((sight) => `"${sight.entry.definition.name}"`);
		if (names.length === 0) return;
		const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
		facts.push(
			warned(
				label,
				`${words} ${names.slice(0, 5).join(', ')}${more}. Mend or remove ${names.length === 1 ? 'it' : 'them'}.`,
			),
		);
	};
	about('ends', 'Ends beat', 'Beat ends, for all schedules, when it comes to');
	about('stalls', 'Holds beat up', 'Every schedule is held up when beat comes to');
	return facts;
}

function replicaFacts(replication: string | null): readonly BookFact[] {
	if (infoField(replication, 'role') !== 'slave') return [];
	return [
		warned(
			'Replica',
			'This Redis is a read-only replica: nothing can be edited here. Give the address of its primary.',
		),
	];
}

function duration(ms: number): string {
	const seconds = Math.max(1, Math.round(ms / 1_000));
	if (seconds < 120) return seconds === 1 ? '1 second' : `${seconds} seconds`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 120) return `${minutes} minutes`;
	const hours = Math.round(minutes / 60);
	return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
