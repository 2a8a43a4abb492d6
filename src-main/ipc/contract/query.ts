/** Routes about the query language itself: what it knows, what is wrong with a text, what may be typed next. */
import * as z from 'zod';
import type { QueryField } from '#main/domain/query.ts';
import type { QueryProblem } from '#main/domain/query-marks.ts';
import type { QuerySuggestions } from '#main/domain/query-suggest.ts';
import { profileName, queryText } from './fields.ts';
import { query, returns } from './route.ts';

export const queryRoutes = {
	'query.fields': query({
		scope: 'console',
		summary: 'The fields that queries know, each with an example',
		input: z.strictObject({}),
		output: returns<{ readonly items: readonly QueryField[]; readonly total: number }>(),
	}),
	'query.check': query({
		scope: 'console',
		summary: 'Say what is wrong with a query and where, or how Warren reads it',
		input: z.strictObject({ query: queryText }),
		/** `normal`: the query written out as it was understood; null while there is a problem. */
		output: returns<{ readonly problem: QueryProblem | null; readonly normal: string | null }>(),
		cli: { positional: ['query'] },
	}),
	'query.suggest': query({
		scope: 'deployment',
		summary: 'What may be typed next in a query, with counts of the newest tasks',
		input: z.strictObject({
			profile: profileName,
			query: queryText.default(''),
			at: z.int().min(0).max(4_000).optional().describe('Place of the caret (default: the end)'),
			within: queryText.default('').describe('Count only tasks that match this query as well'),
		}),
		output: returns<QuerySuggestions>(),
		cli: { positional: ['query'] },
	}),
};
