/** Publishing what a schedule runs: when it is due, and when a person says now. */
import { randomUUID } from 'node:crypto';
import { publishTasks } from '#main/actions/publish.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { fail, type Result } from '#main/domain/result.ts';
import type { BookState, ScheduleDefinition, ScheduleRun } from '#main/domain/schedule.ts';
import type { ScheduleOutcome } from '#main/ipc/contract/schedule-answers.ts';
import { checkArguments } from './arguments.ts';
import { type Core, target } from './core.ts';
import { scheduleMessage } from './schedule-message.ts';
import { runnerName } from './schedule-runners.ts';
import { nameOf, type Overlaid } from './schedule-views.ts';

/** Publishes one run under this message id and keeps it in history; the task that it is. */
export async function publishSchedule(
	core: Core,
	profile: Profile,
	definition: ScheduleDefinition,
	messageId: string,
	signal: AbortSignal,
): Promise<Result<{ readonly taskId: TaskId }>> {
	// What could not be sent is found before anything is connected.
	const message = scheduleMessage(definition, profile, messageId);
	if (!message.ok) return message;
	const checked = checkArguments(definition.args, definition.kwargs, messageDialect(profile));
	if (checked.call === null) return fail('invalid-input', 'The arguments cannot be read.');
	const at = { ...target(core, profile), newId: () => messageId };
	const { queue } = definition;
	if (profile.broker.kind === 'embedded' && profile.queues.includes(queue)) {
		// The built-in broker is ours: a queue that the profile names is made when it is first published to.
		const ensured = await at.driver.ensureQueue(carrotQueue(queue));
		if (!ensured.ok) return ensured;
	}
	const published = await publishTasks(
		at,
		{
			name: definition.task,
			queue,
			call: checked.call,
			argsJson: checked.argsJson,
			kwargsJson: checked.kwargsJson,
			priority: definition.priority ?? 0,
			exchange: definition.exchange,
			routingKey: definition.routingKey === '' ? queue : definition.routingKey,
			count: 1,
		},
		signal,
	);
	return published.ok ? { ok: true, value: { taskId: published.value.id } } : published;
}

/** Who runs the schedules of a book in Warren's stead, and what a person should know about a run at once. */
const BY_OTHERS = {
	warren: { note: null, words: null, unknown: null },
	site: {
		note: 'Published by the site.',
		words: null,
		unknown: 'The site does not have this schedule yet, and only the site can run it. Sync it first.',
	},
	beat: {
		note: 'Handed to beat, which publishes it when it looks next.',
		words: "It goes through Celery's beat, which publishes it when it looks next.",
		unknown: 'Beat does not know this schedule yet, and only beat can run it. Sync it first.',
	},
} as const;

const BEAT_PAUSED = 'It is paused, and beat runs no paused schedule. Resume it first.';

/** What running a schedule at once would come to: who would publish it, and what stands against it. */
export function wouldRun(core: Core, profile: Profile, one: Overlaid): ScheduleOutcome['items'][number] {
	const item = { name: nameOf(one), book: one.book, taskId: null } as const;
	const book = core.schedules.books.find(profile, one.book);
	if (!book.ok) return { ...item, outcome: 'failed', reason: book.error.message };
	if (book.value.runNow === undefined) return { ...item, outcome: 'done', reason: null };
	const { runBy } = book.value.capabilities;
	const { words, unknown } = BY_OTHERS[runBy];
	if (one.entry === null) return { ...item, outcome: 'failed', reason: unknown };
	if (runBy === 'beat' && !one.entry.definition.active) return { ...item, outcome: 'failed', reason: BEAT_PAUSED };
	const old = one.change === null ? null : 'It runs as its book has it; the edit that waits here is not in it.';
	const reason = [words, old].filter((part) => part !== null).join(' ');
	return { ...item, outcome: 'done', reason: reason === '' ? null : reason };
}

/** Runs a schedule once, now, by whoever can, and notes the run. Its due times stay as they are. */
export async function runNow(
	core: Core,
	profile: Profile,
	one: Overlaid,
	signal: AbortSignal,
): Promise<ScheduleOutcome['items'][number]> {
	const { definition } = one;
	const item = { name: definition.name, book: one.book };
	const book = core.schedules.books.find(profile, one.book);
	if (!book.ok) return { ...item, outcome: 'failed', reason: book.error.message, taskId: null };
	const messageId = randomUUID();
	const dueAt = core.ports.clock.now();
	const note = async (state: ScheduleRun['state'], more: Partial<ScheduleRun>): Promise<void> => {
		const run: ScheduleRun = {
			profile: profile.id,
			book: one.book,
			key: one.key,
			name: definition.name,
			dueAt,
			manual: true,
			state,
			firedAt: null,
			messageId: null,
			taskId: null,
			by: runnerName(),
			tries: 1,
			note: null,
			updatedAt: core.ports.clock.now(),
			...more,
		};
		await core.store.schedules.settle([run], null);
		// Others who work on the book see it too; should they not hear of it, it is known here all the same.
		const shared = core.schedules.books
			.all(profile)
			.find(({ book, follower }) => book.kind === one.book && follower !== null);
		if (shared?.ledger != null && isThere(shared.book.state())) await shared.ledger.settle([run], null);
	};
	if (book.value.runNow !== undefined) {
		const would = wouldRun(core, profile, one);
		if (would.outcome !== 'done') return would;
		const ran = await book.value.runNow(one.key);
		if (!ran.ok) {
			await note('failed', { note: ran.error.message });
			return { ...item, outcome: 'failed', reason: ran.error.message, taskId: null };
		}
		// The site answers when it has published; beat was only told to, and says nothing.
		const firedAt = book.value.capabilities.runBy === 'site' ? core.ports.clock.now() : null;
		await note('fired', { firedAt, note: BY_OTHERS[book.value.capabilities.runBy].note });
		return would;
	}
	const published = await publishSchedule(core, profile, definition, messageId, signal);
	if (!published.ok) {
		await note('failed', { messageId, note: published.error.message });
		return { ...item, outcome: 'failed', reason: published.error.message, taskId: null };
	}
	const { taskId } = published.value;
	await note('fired', { firedAt: core.ports.clock.now(), messageId, taskId });
	return { ...item, outcome: 'done', reason: null, taskId };
}

/** Whether a book may answer: one that is known to be away is not waited for. */
function isThere({ kind }: BookState): boolean {
	return kind !== 'reconnecting' && kind !== 'refused';
}
