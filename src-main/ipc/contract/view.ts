/** Routes about saved views. */
import * as z from 'zod';
import { TASK_SORT_FIELDS, type TaskSortField } from '#main/domain/page.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import { profileName, queryText } from './fields.ts';
import { command, query, returns } from './route.ts';

const viewName = z.string().trim().min(1).max(80).describe('Name of the view');
const everywhere = z.boolean().optional().describe('Of every profile, not only this one');

export const viewRoutes = {
	'view.list': query({
		scope: 'deployment',
		summary: 'Saved views of this profile, and of every profile',
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly items: readonly SavedView[]; readonly total: number }>(),
	}),
	'view.save': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Save a query under a name; one of that name is replaced',
		input: z.strictObject({
			profile: profileName,
			name: viewName,
			query: queryText.default(''),
			sort: z
				.enum(TASK_SORT_FIELDS as [TaskSortField, ...TaskSortField[]])
				.optional()
				.describe("Field to order by (default: the list's own)"),
			ascending: z.boolean().optional().describe('Smallest first'),
			columns: z.array(z.string().min(1).max(40)).max(20).optional().describe("Columns (default: the list's own)"),
			everywhere,
		}),
		output: returns<SavedView>(),
		cli: { positional: ['name', 'query'] },
	}),
	'view.pin': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Put a saved view on the rail, or in another place there',
		input: z.strictObject({
			profile: profileName,
			name: viewName,
			place: z.int().min(1).max(1_000).optional().describe('Which one from the top (default: the last)'),
			everywhere,
		}),
		output: returns<{ readonly items: readonly SavedView[]; readonly total: number }>(),
		cli: { positional: ['name'] },
	}),
	'view.unpin': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Take a saved view off the rail',
		input: z.strictObject({ profile: profileName, name: viewName, everywhere }),
		output: returns<{ readonly items: readonly SavedView[]; readonly total: number }>(),
		cli: { positional: ['name'] },
	}),
	'view.remove': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Remove a saved view',
		input: z.strictObject({ profile: profileName, name: viewName, everywhere }),
		output: returns<{ readonly removed: string }>(),
		cli: { positional: ['name'] },
	}),
};
