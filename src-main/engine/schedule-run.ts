/** Publishing what a schedule runs: when it is due, and when a person says now. */
import { randomUUID } from 'node:crypto';
import { publishTasks } from '#main/actions/publish.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { fail, type Result } from '#main/domain/result.ts';
import type { ScheduleDefinition, ScheduleRun } from '#main/domain/schedule.ts';
import type { ScheduleOutcome } from '#main/ipc/contract/schedule.ts';
import { checkArguments } from './arguments.ts';
import { type Core, target } from './core.ts';
import { scheduleMessage } from './schedule-message.ts';
import { runnerName } from './schedule-runners.ts';
import type { Overlaid } from './schedule-views.ts';

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
	const checked = checkArguments(definition.args, definition.kwargs, profile.dialect);
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
	const note = (state: ScheduleRun['state'], more: Partial<ScheduleRun>) =>
		core.store.schedules.settle([
			{
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
			},
		]);
	if (book.value.runNow !== undefined) {
		if (one.entry === null) {
			const reason = 'The site does not have this schedule yet, and only the site can run it. Sync it first.';
			return { ...item, outcome: 'failed', reason, taskId: null };
		}
		const ran = await book.value.runNow(one.key);
		if (!ran.ok) {
			await note('failed', { note: ran.error.message });
			return { ...item, outcome: 'failed', reason: ran.error.message, taskId: null };
		}
		await note('fired', { firedAt: core.ports.clock.now(), note: 'Published by the site.' });
		const reason = one.change === null ? null : 'It ran as the site has it; the edit that waits here was not in it.';
		return { ...item, outcome: 'done', reason, taskId: null };
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
