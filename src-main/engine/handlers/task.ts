/** Handlers of the routes about tasks: reading them, and changing them through actions. */
import { deleteTasks } from '#main/actions/delete.ts';
import type { ActionTarget } from '#main/actions/deployment.ts';
import type { RunningAction } from '#main/actions/progress.ts';
import { publishTasks } from '#main/actions/publish.ts';
import { type GivenArguments, requeueTasks } from '#main/actions/requeue.ts';
import type { Selection } from '#main/actions/review.ts';
import type { PacketOptions } from '#main/dialects/django-q/message.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import type { ActionOutcome } from '#main/domain/action.ts';
import { attemptId, type ProfileId, type TaskId, taskId } from '#main/domain/ids.ts';
import type { MessageProperties } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import type { TaskDetail } from '#main/domain/task.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { checkArguments } from '../arguments.ts';
import { celeryFacts, type ReadMessage } from '../celery-facts.ts';
import { type Core, signedTargetOf, targetOf } from '../core.ts';
import { findView } from './view.ts';

type Name =
	| 'task.list'
	| 'task.count'
	| 'task.show'
	| 'task.log'
	| 'task.find'
	| 'task.lines'
	| 'task.message'
	| 'task.names'
	| 'task.publish'
	| 'task.review'
	| 'task.requeue'
	| 'task.delete'
	| 'action.cancel'
	| 'argument.check';

/** How much of a body the page gets unless it asks for the whole. */
const PREVIEW_BYTES = 64 * 1024;

export function taskHandlers(core: Core): Pick<CallHandlers, Name> {
	const { history } = core.store;
	return {
		'task.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const asked = await throughView(core, profile.value.id, input);
			if (!asked.ok) return asked;
			const { query, sort } = asked.value;
			const descending =
				input.ascending === undefined && input.sort === undefined
					? sort?.descending !== false
					: input.ascending !== true;
			return history.page({
				profile: profile.value.id,
				query,
				sort: { field: input.sort ?? sort?.field ?? 'updatedAt', descending },
				limit: input.limit,
				cursor: input.cursor ?? null,
				...(input.patience === undefined ? {} : { patienceMs: input.patience }),
			});
		},
		'task.count': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const asked = await throughView(core, profile.value.id, input);
			if (!asked.ok) return asked;
			const total = await history.count(profile.value.id, asked.value.query);
			return total.ok ? ok({ total: total.value }) : total;
		},
		'task.show': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const id = await resolveId(core, profile.value.id, input.id);
			const detail = await history.detail(profile.value.id, id);
			if (detail === null) return unknownTask(input.id);
			if (profile.value.framework !== 'celery') return ok(detail);
			return ok({ ...detail, celery: celeryFacts(await readKept(core, profile.value, detail), detail) });
		},
		'task.log': async ({ attempt, afterSeq, limit, level, search }) =>
			history.log(attemptId(attempt), { afterSeq, limit, minLevel: level, search }),
		'task.find': async ({ attempt, afterSeq, level, search }) =>
			history.findLines(attemptId(attempt), { afterSeq, minLevel: level, search }),
		'task.lines': async ({ attempt, seqs }) => ok({ lines: await history.linesAt(attemptId(attempt), seqs) }),
		'task.message': async (input) => {
			const message = await history.message(attemptId(input.attempt));
			if (message === null) return fail('not-found', 'The raw message of this attempt was not kept.');
			const { headers, ...properties } = message.properties;
			const whole = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength);
			const body = input.whole === true ? whole : whole.subarray(0, PREVIEW_BYTES);
			return ok({
				exchange: message.exchange,
				routingKey: message.routingKey,
				properties: plainProperties(properties),
				headers: headers ?? [],
				bodyBase64: body.toString('base64'),
				bodyBytes: whole.byteLength,
				bodyText: textOf(body, body.byteLength < whole.byteLength),
				cut: body.byteLength < whole.byteLength,
			});
		},
		'task.names': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const seen = await history.names(profile.value.id, 500);
			const offered = core.consumers.taskNames(profile.value.id);
			return ok({ items: [...new Set([...offered, ...seen])] });
		},
		'task.publish': async (input, context) => {
			const target = await signedTargetOf(core, input.profile, input.queue ?? null);
			if (!target.ok) return target;
			const { profile } = target.value;
			const signing = target.value.packets ?? null;
			if (signing !== null && !signing.ok) return signing;
			const packet = packetOptionsOf(profile, input);
			if (!packet.ok) return packet;
			const checked = readArguments(profile, input.args, input.kwargs);
			if (!checked.ok) return checked;
			const queue =
				input.queue ??
				profile.queues[0] ??
				signing?.value.prefix ??
				(profile.framework === 'celery' ? 'celery' : 'default');
			if (profile.broker.kind === 'embedded' && profile.queues.includes(queue)) {
				// The built-in broker is ours: a queue that the profile names is made when it is first published to.
				const ensured = await target.value.driver.ensureQueue(carrotQueue(queue));
				if (!ensured.ok) return ensured;
			}
			const published = await publishTasks(
				target.value,
				{
					name: input.name,
					queue,
					...checked.value,
					priority: input.priority,
					exchange: input.exchange,
					routingKey: input.routingKey ?? queue,
					count: input.count,
					...(packet.value === null ? {} : { packet: packet.value }),
				},
				context.signal,
			);
			if (!published.ok) return published;
			const { untold, ...done } = published.value;
			return ok({ ...done, note: signing?.value.assumed ?? untold });
		},
		'task.review': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			return core.reviews.freeze(profile.value.id, input.action, input);
		},
		'task.requeue': async (input, context) => {
			const target = await signedTargetOf(core, input.profile, input.queue ?? null);
			if (!target.ok) return target;
			let given: GivenArguments | null = null;
			if (input.args !== undefined || input.kwargs !== undefined) {
				const read = readArguments(target.value.profile, input.args ?? '', input.kwargs ?? '{}');
				if (!read.ok) return read;
				given = read.value;
			}
			const asked = { ...input, given: given !== null };
			return carryOut(core, target.value, 'requeue', asked, context.signal, async (ids, action) =>
				given !== null && ids.length !== 1
					? fail('invalid-input', 'Other arguments are for one task: name it by its id.')
					: requeueTasks(target.value, ids, input.queue ?? null, action, given),
			);
		},
		'task.delete': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			return carryOut(core, target.value, 'delete', input, context.signal, (ids, action) =>
				deleteTasks(target.value, ids, action),
			);
		},
		'action.cancel': async (input) => ok({ cancelled: core.actions.cancel(input.key) }),
		'argument.check': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const checked = checkArguments(input.args, input.kwargs, messageDialect(profile.value));
			const { args, kwargs, argsProblem, kwargsProblem, body } = checked;
			return ok({ args, kwargs, argsProblem, kwargsProblem, body });
		},
	};
}

/** django-q's own options of a publication; null for other frameworks, which have none of them. */
function packetOptionsOf(profile: Profile, input: HandlerInput<'task.publish'>): Result<PacketOptions | null> {
	const { group, hook, timeout, label } = input;
	if (profile.framework === 'django-q') {
		return ok({ name: label ?? null, group: group ?? null, hook: hook ?? null, timeout: timeout ?? null });
	}
	const given = [group, hook, timeout, label].some((one) => one !== undefined);
	return given
		? fail(
				'invalid-input',
				`--group, --hook, --timeout and --label are django-q's; "${profile.name}" is ${profile.framework}'s.`,
			)
		: ok(null);
}

/** A query within a saved view's, and the view's order. Each must be right by itself: neither may end the other's brackets. */
async function throughView(
	core: Core,
	profile: ProfileId,
	input: { readonly query: string; readonly view?: string | undefined },
): Promise<Result<Pick<SavedView, 'query' | 'sort'>>> {
	if (input.view === undefined) return ok({ query: input.query, sort: null });
	const view = await findView(core, profile, input.view);
	if (!view.ok) return view;
	const typed = parseQuery(input.query, core.ports.clock.now());
	if (!typed.ok) return typed;
	const parts = [view.value.query, input.query].filter((text) => text.trim() !== '');
	return ok({ query: parts.map((text) => `(${text})`).join(' '), sort: view.value.sort });
}

/** What a person typed, as a call; or what is wrong with it, and where. */
export function readArguments(profile: Profile, args: string, kwargs: string): Result<GivenArguments> {
	const checked = checkArguments(args, kwargs, messageDialect(profile));
	const problem = checked.argsProblem ?? checked.kwargsProblem;
	if (problem !== null || checked.call === null) {
		const field = checked.argsProblem === null ? 'kwargs' : 'args';
		const { message, ...position } = problem ?? { message: 'The arguments cannot be read.' };
		return fail('invalid-input', `${field}: ${message}`, { details: { field, ...position } });
	}
	return ok({ call: checked.call, argsJson: checked.argsJson, kwargsJson: checked.kwargsJson });
}

interface Asked extends Selection {
	readonly review?: string | undefined;
	readonly dryRun?: boolean | undefined;
}

/** Runs a change on what a review froze, on named ids, or on what matches now; or only says what it would do. */
export async function carryOut(
	core: Core,
	target: ActionTarget,
	kind: 'requeue' | 'delete',
	asked: Asked,
	signal: AbortSignal,
	run: (ids: readonly TaskId[], action: RunningAction) => Promise<Result<void>>,
): Promise<Result<ActionOutcome>> {
	const { profile } = target;
	if (asked.dryRun === true) {
		const review = await core.reviews.freeze(profile.id, kind, asked);
		if (!review.ok) return review;
		const skipped = review.value.skipped.reduce((sum, one) => sum + one.count, 0);
		const { sources, tasks = [] } = review.value;
		const from = new Map(tasks.map((one) => [one.id, one.source]));
		const refused = tasks.filter((one) => one.source === null);
		return ok({
			action: kind,
			done: review.value.count,
			failed: 0,
			skipped,
			cancelled: false,
			dryRun: true,
			items: [
				...refused.map(({ id, reason }) => ({ id, outcome: 'skipped' as const, reason, messageId: null })),
				...review.value.sample.map(({ id }) => {
					const source = from.get(id) ?? null;
					return {
						id,
						outcome: 'done' as const,
						reason: null,
						messageId: null,
						...(source === null ? {} : { source }),
					};
				}),
			],
			...(sources === undefined ? {} : { sources }),
		});
	}
	const ids =
		asked.review === undefined
			? await core.reviews.resolve(profile.id, asked)
			: core.reviews.take(asked.review, profile.id, kind);
	if (!ids.ok) return ids;
	const verb = kind === 'requeue' ? 'Requeue' : 'Delete';
	const title = ids.value.length === 1 ? `${verb} 1 task` : `${verb} ${ids.value.length} tasks`;
	const action = core.actions.begin(kind, profile.id, title, ids.value.length, signal);
	const done = await run(ids.value, action);
	const outcome = action.finish();
	return done.ok ? ok(outcome) : done;
}

/** A task by its id, by the id of any of its messages, or by an unambiguous beginning of its id of 8 characters or more. */
async function resolveId(
	core: Core,
	profile: Parameters<Core['store']['history']['detail']>[0],
	text: string,
): Promise<TaskId> {
	return (await core.store.history.taskOfMessage(profile, text)) ?? taskId(text);
}

function unknownTask(id: string): Result<never> {
	return fail('not-found', `There is no task "${id}" in this profile's history. "task list" shows what there is.`);
}

/** Properties other than headers, without the absent ones. */
export function plainProperties(
	properties: Omit<MessageProperties, 'headers'>,
): Readonly<Record<string, string | number>> {
	const entries = Object.entries(properties).filter(
		(entry): entry is [string, string | number] => entry[1] !== undefined,
	);
	return Object.fromEntries(entries);
}

/** Bytes as text if they are UTF-8; null otherwise. Where they were `cut`, half a character at their end is forgiven. */
export function textOf(bytes: Uint8Array, cut: boolean): string | null {
	for (let drop = 0; drop < (cut ? 4 : 1); drop += 1) {
		try {
			return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, bytes.byteLength - drop));
		} catch {
			// Not UTF-8 at this length: try without the last byte, which may be half a character.
		}
	}
	return null;
}

/** The message of the newest attempt that has one kept, as Celery reads it; null: none is kept, or it is none of Celery's. */
async function readKept(core: Core, profile: Profile, detail: TaskDetail): Promise<ReadMessage | null> {
	const attempt = detail.history.findLast((one) => one.hasMessage);
	const message = attempt === undefined ? null : await core.store.history.message(attempt.id);
	if (message === null) return null;
	const read = messageDialect(profile).read(message);
	return read.kind === 'task' && read.celery !== null ? { celery: read.celery, message } : null;
}
