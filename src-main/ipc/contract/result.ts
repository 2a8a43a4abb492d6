/** Routes about Celery's results: of a task, of a group, of a chord. */
import * as z from 'zod';
import type { CanvasView } from '#main/domain/canvas.ts';
import type { CeleryResult, GroupProgress, ResultSource } from '#main/domain/celery-result.ts';
import type { TaskState } from '#main/domain/task.ts';
import { profileName } from './fields.ts';
import { query, returns, stream } from './route.ts';

/** A child in the tree of results, as far as its own result is kept. */
export interface ResultBranch {
	readonly id: string;
	/** A group of tasks rather than a task. */
	readonly group: boolean;
	/** Null: no result is kept. */
	readonly status: string | null;
	readonly state: TaskState | null;
	readonly name: string | null;
	readonly branches: readonly ResultBranch[];
}

/** What the result backend says of one task. */
export interface TaskResultView {
	/** The message's id, by which results are kept. */
	readonly id: string;
	/** Null: nothing is kept. */
	readonly result: CeleryResult | null;
	readonly source: ResultSource | null;
	/** One sentence: how it stands, and where that is from. */
	readonly words: string;
	readonly branches: readonly ResultBranch[];
	/** Children were left out, since there are too many. */
	readonly cut: boolean;
}

const id = z.string().min(1).max(400).describe('Id of the task, or of one of its messages');

export const resultRoutes = {
	'task.result': query({
		scope: 'deployment',
		summary: "Celery: a task's result as its backend keeps it, with its children",
		input: z.strictObject({ profile: profileName, id }),
		output: returns<TaskResultView>(),
		cli: { positional: ['id'] },
	}),
	'task.group': query({
		scope: 'deployment',
		summary: 'Celery: how far a group or chord is, and where it is stuck',
		input: z.strictObject({ profile: profileName, id: z.string().min(1).max(400).describe('Id of the group') }),
		output: returns<GroupProgress>(),
		cli: { positional: ['id'] },
	}),
	'task.canvas': query({
		scope: 'deployment',
		summary: 'Celery: the tasks that belong to a task: chain, group, chord, and what it called',
		input: z.strictObject({
			profile: profileName,
			id,
			expand: z
				.array(z.string().min(1).max(400))
				.max(100)
				.optional()
				.describe('Group to show member by member, however big'),
		}),
		output: returns<CanvasView>(),
		cli: { positional: ['id'] },
	}),
	/** One item: the result as it is now. Ends when the task has ended. */
	'result.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: "Celery: a task's result, as it changes",
		input: z.strictObject({ profile: profileName, id }),
		item: returns<{ readonly key: string; readonly view: TaskResultView }>(),
		cli: { hidden: 'task result --follow shows it' },
	}),
};
