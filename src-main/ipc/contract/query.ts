/** Routes about the query language itself: what it knows, what is wrong with a text, what may be typed next; and the search of logs. */
import * as z from 'zod';
import type { LogFindings } from '#main/domain/log-findings.ts';
import type { QueryField } from '#main/domain/query.ts';
import { QUERY_TARGETS, type QueryTarget } from '#main/domain/query-languages.ts';
import type { QueryProblem } from '#main/domain/query-marks.ts';
import type { QuerySuggestions } from '#main/domain/query-suggest.ts';
import { limit, profileName, queryText } from './fields.ts';
import { query, returns } from './route.ts';

const target = z
	.enum(QUERY_TARGETS as [QueryTarget, ...QueryTarget[]])
	.default('tasks')
	.describe('What is searched; each has fields of its own');

export const queryRoutes = {
	'query.fields': query({
		scope: 'console',
		summary: 'The fields that queries know, each with an example',
		input: z.strictObject({ target }),
		output: returns<{ readonly items: readonly QueryField[]; readonly total: number }>(),
	}),
	'query.check': query({
		scope: 'console',
		summary: 'Say what is wrong with a query and where, or how Warren reads it',
		input: z.strictObject({ query: queryText, target }),
		/** `normal`: the query written out as it was understood; null while there is a problem. */
		output: returns<{ readonly problem: QueryProblem | null; readonly normal: string | null }>(),
		cli: { positional: ['query'] },
	}),
	'query.suggest': query({
		scope: 'deployment',
		summary: 'What may be typed next in a query, with counts where they are known',
		input: z.strictObject({
			profile: profileName,
			query: queryText.default(''),
			target,
			at: z.int().min(0).max(4_000).optional().describe('Place of the caret (default: the end)'),
			within: queryText.default('').describe('Of tasks: count only those that match this query as well'),
		}),
		output: returns<QuerySuggestions>(),
		cli: { positional: ['query'] },
	}),
	'log.search': query({
		scope: 'deployment',
		summary: "Find lines in all tasks' logs, those of the newest attempts first",
		input: z.strictObject({
			profile: profileName,
			query: queryText.default('').describe('Query over log lines, e.g. \'level:>=warning app:shop "gave up"\''),
			limit: limit.default(100),
			cursor: z.string().max(60).optional().describe('Where to go on: `next` of the answer before'),
		}),
		output: returns<LogFindings>(),
		cli: { positional: ['query'] },
	}),
};
