/** Handlers of the routes about Celery's results. */
import type { CeleryResult, GroupMember, ResultNode } from '#main/domain/celery-result.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { ResultBranch, TaskResultView } from '#main/ipc/contract/result.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { progressOf } from '#main/monitor/celery/progress.ts';
import type { FoundResult, ResultBackend } from '#main/monitor/celery/results.ts';
import { canvasOf } from '../canvas.ts';
import type { CeleryResults } from '../celery-results.ts';
import type { Core } from '../core.ts';

/** Children whose own results are read, in all. */
const MOST_BRANCHES = 500;
/** Members of a group whose results are read. */
const MOST_MEMBERS = 2_000;

export function resultHandlers(
	core: Core,
	results: CeleryResults,
): Pick<CallHandlers, 'task.result' | 'task.group' | 'task.canvas'> {
	return {
		'task.result': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const backend = results.backend(profile.value);
			if (!backend.ok) return backend;
			const id = await messageOf(core, profile.value, input.id);
			const found = await results.read(profile.value, id);
			return found.ok ? ok(await viewOf(core, backend.value, id, found.value)) : found;
		},
		'task.canvas': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			if (profile.value.framework !== 'celery') {
				return fail(
					'unsupported',
					`"${profile.value.name}" is a profile of ${profile.value.framework}; chains and groups are Celery's.`,
				);
			}
			return canvasOf(core, results, profile.value, input.id, input.expand ?? []);
		},
		'task.group': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const backend = results.backend(profile.value);
			if (!backend.ok) return backend;
			const found = await backend.value.group(input.id);
			if (!found.ok) return found;
			const ids = leavesOf(found.value.members ?? []);
			const told = await backend.value.tasks(ids.slice(0, MOST_MEMBERS));
			if (!told.ok) return told;
			const known = ids.map((id): GroupMember => {
				const result = told.value.get(id)?.result;
				return { id, status: result?.status ?? null, state: result?.state ?? null, name: result?.name ?? null };
			});
			if (found.value.members === null && found.value.counters === null) {
				return fail(
					'not-found',
					`Nothing is kept of a group "${input.id}": it was not saved, is no open chord, or has expired. "task canvas" shows what history knows of it.`,
				);
			}
			return ok(progressOf(input.id, found.value, known));
		},
	};
}

export function resultStreams(core: Core, results: CeleryResults): Pick<StreamHandlers, 'result.watch'> {
	return {
		'result.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const backend = results.backend(profile.value);
			if (!backend.ok) return backend;
			const id = await messageOf(core, profile.value, input.id);
			let begun = false;
			let last = '';
			return results.follow(profile.value, id, (found) => {
				const said = JSON.stringify(found.ok ? (found.value?.result ?? null) : found.error.message);
				if (said === last) return;
				last = said;
				const made = found.ok
					? viewOf(core, backend.value, id, found.value)
					: Promise.resolve({ ...nothing(id), words: found.error.message });
				void made.then((view) => {
					const item = { key: id, view };
					if (begun) sink.put([item]);
					else sink.snapshot([item]);
					begun = true;
					if (view.result?.ready === true) sink.end();
				});
			});
		},
	};
}

/** Results are kept by message: of a task that was requeued the newest one is meant, unless the id is one message's own. */
async function messageOf(core: Core, profile: Profile, text: string): Promise<string> {
	const known = await core.store.history.taskOfMessage(profile.id, text);
	if (known === null || known !== text) return text;
	const detail = await core.store.history.detail(profile.id, known);
	return detail?.history.at(-1)?.messageId || text;
}

async function viewOf(
	core: Core,
	backend: ResultBackend,
	id: string,
	found: FoundResult | null,
): Promise<TaskResultView> {
	if (found === null) return nothing(id);
	const tree = await branchesOf(backend, found.result.children);
	return { id, result: found.result, source: found.source, words: wordsOf(found, core.ports.clock.now()), ...tree };
}

function nothing(id: string): TaskResultView {
	const words =
		'No result is kept: the task has not ended yet, its result has expired, or the application keeps none (ignore_result).';
	return { id, result: null, source: null, words, branches: [], cut: false };
}

function wordsOf({ result, source }: FoundResult, now: number): string {
	const age = result.doneAt === null ? null : Math.max(0, now - result.doneAt);
	const when = age === null ? '' : `, ${ageWords(age)} ago`;
	const goes = source.expiresAt === null ? 'does not expire' : `expires in ${ageWords(source.expiresAt - now)}`;
	return `${result.status}${when}, as ${source.place} says; it ${goes}.`;
}

function ageWords(ms: number): string {
	const seconds = Math.max(0, Math.round(ms / 1_000));
	if (seconds < 120) return `${seconds} s`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 120) return `${minutes} min`;
	const hours = Math.round(minutes / 60);
	return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

function leavesOf(nodes: readonly ResultNode[]): readonly string[] {
	return nodes.flatMap((node) => (node.members === null ? [node.id] : leavesOf(node.members)));
}

interface Draft {
	readonly node: ResultNode;
	result: CeleryResult | null;
	branches: Draft[];
}

/** The tree below a result, level by level, each task once. */
async function branchesOf(
	backend: ResultBackend,
	children: readonly ResultNode[],
): Promise<{ readonly branches: readonly ResultBranch[]; readonly cut: boolean }> {
	const seen = new Set<string>();
	let left = MOST_BRANCHES;
	let cut = false;
	const draftsOf = (nodes: readonly ResultNode[]): Draft[] => {
		const made: Draft[] = [];
		for (const node of nodes) {
			if (left <= 0) {
				cut = true;
				break;
			}
			if (seen.has(node.id)) continue;
			seen.add(node.id);
			left -= 1;
			made.push({ node, result: null, branches: node.members === null ? [] : draftsOf(node.members) });
		}
		return made;
	};
	const top = draftsOf(children);
	let level = tasksIn(top);
	while (level.length > 0) {
		const found = await backend.tasks(level.map(({ node }) => node.id));
		if (!found.ok) break;
		const next: Draft[] = [];
		for (const draft of level) {
			draft.result = found.value.get(draft.node.id)?.result ?? null;
			draft.branches = draftsOf(draft.result?.children ?? []);
			next.push(...tasksIn(draft.branches));
		}
		level = next;
	}
	return { branches: top.map(branchOf), cut };
}

/** The tasks of a level, those in its groups too. */
function tasksIn(drafts: readonly Draft[]): Draft[] {
	return drafts.flatMap((draft) => (draft.node.members === null ? [draft] : tasksIn(draft.branches)));
}

function branchOf({ node, result, branches }: Draft): ResultBranch {
	return {
		id: node.id,
		group: node.members !== null,
		status: result?.status ?? null,
		state: result?.state ?? null,
		name: result?.name ?? null,
		branches: branches.map(branchOf),
	};
}
