/** What can be done to several schedules at once, over several books: one question, one outcome. */
import type { BookKind } from '#main/domain/schedule.ts';
import type { ScheduleOutcome } from '#main/ipc/contract/schedule-answers.ts';
import type { Answer, CallOptions, Engine } from './engine.ts';

export type ScheduleAction = 'pause' | 'resume' | 'run' | 'remove';

/** What is to be done with which schedules, fixed when it was asked for. */
export interface SchedulePlan {
	readonly action: ScheduleAction;
	readonly items: readonly { readonly book: BookKind; readonly key: string }[];
}

/** Asks for it book by book; what one book refuses outright is among the outcomes of its schedules. */
export async function carryOut(
	engine: Engine,
	profile: string,
	plan: SchedulePlan,
	dryRun: boolean,
	options: CallOptions = {},
): Promise<Answer<ScheduleOutcome>> {
	const outcomes: ScheduleOutcome[] = [];
	for (const [book, names] of byBook(plan.items)) {
		const answer = await engine.call(
			`schedule.${plan.action}`,
			{ profile, book, names, ...(dryRun ? { dryRun } : {}) },
			options,
		);
		if (answer.ok) outcomes.push(answer.value);
		// Nothing was done yet: the refusal is the answer. Later ones must not hide what was done.
		else if (outcomes.length === 0) return answer;
		else outcomes.push(refused(book, names, answer.error.message, dryRun));
	}
	return { ok: true, value: together(outcomes, dryRun) };
}

function byBook(items: SchedulePlan['items']): ReadonlyMap<BookKind, string[]> {
	const books = new Map<BookKind, string[]>();
	for (const { book, key } of items) books.set(book, [...(books.get(book) ?? []), key]);
	return books;
}

function refused(book: BookKind, names: readonly string[], reason: string, dryRun: boolean): ScheduleOutcome {
	const items = names.map((name) => ({ name, book, outcome: 'failed' as const, reason, taskId: null }));
	return { items, done: 0, waiting: 0, failed: items.length, dryRun };
}

function together(outcomes: readonly ScheduleOutcome[], dryRun: boolean): ScheduleOutcome {
	const sum = (of: (outcome: ScheduleOutcome) => number): number =>
		outcomes.reduce((total, outcome) => total + of(outcome), 0);
	return {
		items: outcomes.flatMap((outcome) => outcome.items),
		done: sum((outcome) => outcome.done),
		waiting: sum((outcome) => outcome.waiting),
		failed: sum((outcome) => outcome.failed),
		dryRun,
	};
}

/** How many would be, or were, changed; those that wait for their book included. */
export function affected(outcome: ScheduleOutcome): number {
	return outcome.done + outcome.waiting;
}

/** "1 schedule", "1,284 schedules". */
export function schedules(count: number): string {
	return count === 1 ? '1 schedule' : `${count.toLocaleString('en')} schedules`;
}

const PAST: Readonly<Record<ScheduleAction, string>> = {
	pause: 'paused',
	resume: 'resumed',
	run: 'run',
	remove: 'removed',
};

/** What came of it, in a line. */
export function outcomeWords(action: ScheduleAction, outcome: ScheduleOutcome): string {
	const { done, waiting, failed, items } = outcome;
	const conflicts = items.filter((item) => item.outcome === 'conflict').length;
	const skipped = items.filter((item) => item.outcome === 'skipped').length;
	const parts = [
		...(done > 0 || (waiting === 0 && failed === 0) ? [`${schedules(done)} ${PAST[action]}`] : []),
		...(waiting > 0
			? [`${done > 0 ? waiting : schedules(waiting)} ${waiting === 1 ? 'waits' : 'wait'} for the book`]
			: []),
		...(conflicts > 0 ? [`${conflicts} in conflict`] : []),
		...(failed > conflicts ? [`${failed - conflicts} failed`] : []),
		...(skipped > 0 ? [`${skipped} left out`] : []),
	];
	return parts.join(', ');
}
