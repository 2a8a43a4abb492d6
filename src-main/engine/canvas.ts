/** What a canvas is drawn from: history, results and kept messages, gathered around one task with a cap on each. */
import { messageDialect } from '#main/dialects/messages.ts';
import type { CanvasView } from '#main/domain/canvas.ts';
import { buildCanvas, type CanvasLater, type CanvasTask } from '#main/domain/canvas.ts';
import type { CeleryMessage, CelerySignature } from '#main/domain/celery.ts';
import type { ResultNode } from '#main/domain/celery-result.ts';
import { taskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { TaskState } from '#main/domain/task.ts';
import type { FoundResult } from '#main/monitor/celery/results.ts';
import type { CeleryResults } from './celery-results.ts';
import type { Core } from './core.ts';

/** Tasks gathered at most; the drawing has a smaller cap of its own, and says what it leaves out. */
const MOST_TASKS = 2_000;
/** Results and messages read at most. */
const MOST_RESULTS = 500;
const MOST_MESSAGES = 200;
/** How often what was found leads on to more. */
const ROUNDS = 4;
/**
 * Members of a group are sent together, and neither events nor a member's result name the others. So results are read of those that were
 * published within so many ms of the task asked about, at most so many.
 */
const NEAR_MS = 10_000;
const MOST_NEAR = 300;

interface Gathered {
	id: string;
	name: string | null;
	state: TaskState | null;
	parentId: string | null;
	groupId: string | null;
	children: readonly string[];
	later: readonly CanvasLater[];
}

/** The canvas around a task; `not-found` where nothing at all is known of it. */
export async function canvasOf(
	core: Core,
	results: CeleryResults,
	profile: Profile,
	text: string,
	expanded: readonly string[],
): Promise<Result<CanvasView>> {
	const { history } = core.store;
	const focus = (await history.taskOfMessage(profile.id, text)) ?? text;
	const tasks = new Map<string, Gathered>();
	const of = (id: string): Gathered => {
		let task = tasks.get(id);
		if (task === undefined) {
			task = { id, name: null, state: null, parentId: null, groupId: null, children: [], later: [] };
			tasks.set(id, task);
		}
		return task;
	};
	let fromHistory = 0;
	const takeRelatives = async (ids: readonly string[]): Promise<void> => {
		for (const row of await history.relatives(profile.id, ids, MOST_TASKS - tasks.size)) {
			const task = of(row.id);
			if (row.state !== null && !told.has(row.id)) fromHistory += 1;
			if (row.state !== null) told.add(row.id);
			task.name ??= row.name;
			task.state ??= row.state;
			task.parentId ??= row.parentId;
			task.groupId ??= row.groupId ?? null;
		}
	};
	const takeResult = (id: string, one: FoundResult): Gathered => {
		read.set(id, one);
		const { result } = one;
		const task = of(id);
		task.name ??= result.name;
		// What is kept of a task that has ended is newer than what history was told of it while it ran.
		if (result.ready || task.state === null) task.state = result.state ?? task.state ?? 'running';
		task.parentId ??= result.parentId;
		task.groupId ??= result.groupId;
		task.children = childrenOf(result.children, (group, member) => {
			of(member).groupId ??= group;
		});
		return task;
	};
	const backend = results.backend(profile);
	const told = new Set<string>();
	const read = new Map<string, FoundResult>();
	let without = backend.ok ? null : backend.error.message;
	let asked: readonly string[] = [focus];
	for (let round = 0; round < ROUNDS && asked.length > 0 && tasks.size < MOST_TASKS; round += 1) {
		await takeRelatives(asked);
		const unread = [...tasks.keys()].filter((id) => !read.has(id)).slice(0, MOST_RESULTS - read.size);
		const found =
			backend.ok && without === null ? await backend.value.tasks(unread) : ok(new Map<string, FoundResult>());
		if (!found.ok) {
			without = found.error.message;
			break;
		}
		const next = new Set<string>();
		for (const [id, one] of found.value) {
			const task = takeResult(id, one);
			for (const child of [...task.children, ...(task.parentId === null ? [] : [task.parentId])]) {
				if (!read.has(child) && tasks.size + next.size < MOST_TASKS) next.add(child);
			}
		}
		for (const id of next) of(id);
		asked = [...next];
	}
	const group = tasks.get(focus)?.groupId ?? null;
	if (group !== null && backend.ok && without === null) {
		const near = (await publishedNear(core, profile, focus)).filter((id) => !read.has(id));
		const found = await backend.value.tasks(near.slice(0, MOST_RESULTS - read.size));
		if (!found.ok) without = found.error.message;
		const members = found.ok ? [...found.value].filter(([, { result }]) => result.groupId === group) : [];
		for (const [id, one] of members.slice(0, MOST_TASKS - tasks.size)) takeResult(id, one);
		await takeRelatives(members.map(([id]) => id));
	}
	const messages = await addMessages(core, profile, focus, tasks);
	if (fromHistory === 0 && read.size === 0) {
		return fail('not-found', `Neither history nor results know a task "${text}". "task list" shows what there is.`);
	}
	// Who came by asking alone, and of whom nobody knew anything, is named by its relatives where that is so.
	const known = [...tasks.values()].filter(
		(task): task is CanvasTask => task.state !== null || task.name !== null || task.groupId !== null,
	);
	const canvas = buildCanvas(known, focus, { expanded });
	return ok({ ...canvas, told: { history: fromHistory, results: read.size, messages }, without });
}

/** Tasks that history saw published at about the same time as this one. */
async function publishedNear(core: Core, profile: Profile, focus: string): Promise<readonly string[]> {
	const { history } = core.store;
	const [row] = await history.rows(profile.id, [taskId(focus)]);
	const at = row?.publishedAt ?? null;
	if (at === null) return [];
	const moment = (ms: number) => new Date(ms).toISOString();
	const query = `published:>=${moment(at - NEAR_MS)} published:<${moment(at + NEAR_MS)}`;
	const ids = await history.ids(profile.id, query, MOST_NEAR);
	return ids.ok ? ids.value : [];
}

/** The ids of children, those in groups too, of which `inGroup` is told. */
function childrenOf(nodes: readonly ResultNode[], inGroup: (group: string, member: string) => void): readonly string[] {
	return nodes.flatMap((node) => {
		if (node.members === null) return [node.id];
		const members = childrenOf(node.members, inGroup);
		for (const member of members) inGroup(node.id, member);
		return members;
	});
}

/** What kept messages carry for later; how many messages were read. The task that was asked about comes first. */
async function addMessages(
	core: Core,
	profile: Profile,
	focus: string,
	tasks: ReadonlyMap<string, Gathered>,
): Promise<number> {
	const { history } = core.store;
	const dialect = messageDialect(profile);
	let count = 0;
	const ids = [focus, ...[...tasks.keys()].filter((id) => id !== focus)].slice(0, MOST_MESSAGES);
	for (const id of ids) {
		const task = tasks.get(id);
		const detail = task === undefined ? null : await history.detail(profile.id, taskId(id));
		const attempt = detail?.history.findLast((one) => one.hasMessage);
		const message = attempt === undefined ? null : await history.message(attempt.id);
		if (task === undefined || message === null) continue;
		const decoded = dialect.read(message);
		if (decoded.kind !== 'task' || decoded.celery === null) continue;
		count += 1;
		task.groupId ??= decoded.celery.group;
		task.parentId ??= decoded.celery.parentId;
		task.later = laterOf(decoded.celery);
	}
	return count;
}

/** What a message carries for later, chain first. */
export function laterOf(message: CeleryMessage): readonly CanvasLater[] {
	const one = (role: CanvasLater['role']) => (signature: CelerySignature) => {
		const id = signature.options.find(([name]) => name === 'task_id')?.[1];
		const name = signature.subtaskType ?? (signature.task === '' ? '(unreadable)' : signature.task);
		return { role, id: id?.kind === 'str' ? id.value : null, name };
	};
	return [
		...message.chain.map(one('chain')),
		...message.callbacks.map(one('callback')),
		...message.errbacks.map(one('errback')),
		...(message.chord === null ? [] : [one('chord')(message.chord)]),
	];
}
