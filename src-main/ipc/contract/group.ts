/** Routes about failure groups: failures with one cause, and what a person decides about them. */
import * as z from 'zod';
import type { ActionOutcome } from '#main/domain/action.ts';
import {
	type FailureGroupDetail,
	type FailureGroupList,
	GROUP_STATES,
	type GroupDiffers,
	type GroupState,
	SPLITS,
	type SplitBy,
	TREND_WINDOWS,
	type TrendWindow,
} from '#main/domain/failure-group.ts';
import type { TaskTick } from '#main/domain/page.ts';
import { limit, profileName, queryText, queueName, reviewToken } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

const group = z
	.string()
	.regex(/^[0-9a-fA-F]{4,16}$/, 'a group as "group list" names it, or the first four or more characters of that')
	.describe('Failure group, or the beginning of its name');
const window = z
	.enum(Object.keys(TREND_WINDOWS) as [TrendWindow, ...TrendWindow[]])
	.default('24h')
	.describe('How far back the trend looks');
const states = z.enum(GROUP_STATES as [GroupState, ...GroupState[]]);

const selection = {
	profile: profileName,
	group,
	where: queryText.optional().describe('Only those of its tasks that match this query'),
	review: reviewToken.optional().describe('Exactly what a review froze'),
	dryRun: z.boolean().optional().describe('Only say what would be done'),
};

/** What a change left: the group, and the groups it is now. */
export interface GroupOutcome {
	readonly group: string;
	/** More than one after a split. */
	readonly groups: readonly string[];
	/** What was done, in words. */
	readonly words: string;
}

export const groupRoutes = {
	'group.list': query({
		scope: 'deployment',
		summary: 'List failures by their cause',
		input: z.strictObject({
			profile: profileName,
			query: queryText.default('').describe('Only failed tasks that match this query'),
			state: z.array(states).max(4).optional().describe('Only groups in these states (default: open, regressed)'),
			all: z.boolean().optional().describe('Resolved and ignored ones too'),
			sort: z.enum(['lastAt', 'firstAt', 'tasks', 'failures']).default('lastAt').describe('Field to order by'),
			window,
			limit: limit.default(100),
		}),
		output: returns<FailureGroupList>(),
		cli: { positional: ['query'] },
	}),
	'group.show': query({
		scope: 'deployment',
		summary: 'Show a failure group: why its failures are together, whom it touches, its newest tasks',
		input: z.strictObject({ profile: profileName, group, window, limit: limit.default(20) }),
		output: returns<FailureGroupDetail>(),
		cli: { positional: ['group'] },
	}),
	'group.differs': query({
		scope: 'deployment',
		summary: 'Show how the failing runs of a group differ from runs of the same task that succeed',
		input: z.strictObject({
			profile: profileName,
			group,
			task: z.string().min(1).max(500).optional().describe('Which of its tasks (default: the one that fails most)'),
		}),
		output: returns<GroupDiffers>(),
		cli: { positional: ['group'] },
	}),
	'group.requeue': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Send the failed tasks of a group again',
		input: z.strictObject({ ...selection, queue: queueName.optional().describe('Another queue than the original') }),
		output: returns<ActionOutcome>(),
		cli: { positional: ['group'] },
	}),
	'group.delete': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Delete the failed tasks of a group from history',
		input: z.strictObject(selection),
		output: returns<ActionOutcome>(),
		cli: { positional: ['group'] },
	}),
	'group.resolve': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Say that a cause is mended; the group comes back as regressed when it fails again',
		input: z.strictObject({ profile: profileName, group }),
		output: returns<GroupOutcome>(),
		cli: { positional: ['group'] },
	}),
	'group.reopen': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Take back that a group is resolved or ignored',
		input: z.strictObject({ profile: profileName, group }),
		output: returns<GroupOutcome>(),
		cli: { positional: ['group'] },
	}),
	'group.ignore': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Set a group aside until a time, or until it has failed so often',
		input: z.strictObject({
			profile: profileName,
			group,
			hours: z.number().positive().max(8_784).optional().describe('For so many hours'),
			failures: z.int().min(1).max(1_000_000_000).optional().describe('Until it has failed so many more times'),
		}),
		output: returns<GroupOutcome>(),
		cli: { positional: ['group'] },
	}),
	'group.note': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Keep a note with a group; an empty one takes it away',
		input: z.strictObject({
			profile: profileName,
			group,
			note: z.string().max(4_000).describe('What to know about it'),
		}),
		output: returns<GroupOutcome>(),
		cli: { positional: ['group', 'note…'] },
	}),
	'group.merge': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Make other groups part of a group, now and for failures to come',
		input: z.strictObject({
			profile: profileName,
			group,
			others: z.array(group).min(1).max(100).describe('Groups that become part of it'),
		}),
		output: returns<GroupOutcome>(),
		cli: { positional: ['group', 'others…'] },
	}),
	'group.split': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Split a group: into what was merged (cause), or by message, task or queue',
		input: z.strictObject({
			profile: profileName,
			group,
			by: z.enum(SPLITS as [SplitBy, ...SplitBy[]]).describe('What tells the parts apart'),
		}),
		output: returns<GroupOutcome>(),
		cli: { positional: ['group'] },
	}),
	/** One item: the newest tick of this profile's tasks, with how many of them are failed. */
	'group.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'A tick whenever failures or groups change',
		input: z.strictObject({ profile: profileName }),
		item: returns<{ readonly key: string; readonly tick: TaskTick }>(),
		cli: { hidden: 'group list reads the same' },
	}),
};
