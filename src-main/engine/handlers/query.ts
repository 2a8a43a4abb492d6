/** Handlers of the routes about the query language. */
import type { ProfileId } from '#main/domain/ids.ts';
import { QUERY_FIELDS } from '#main/domain/query.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import { type QueryCaret, queryCaret, queryMarks } from '#main/domain/query-marks.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import {
	facetColumn,
	fieldSuggestions,
	pathSuggestions,
	pathValues,
	type QuerySuggestion,
	type QuerySuggestions,
	typedPath,
	valueSuggestions,
} from '#main/domain/query-suggest.ts';
import { ok } from '#main/domain/result.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { HistoryStore } from '#main/store/store.ts';
import type { Core } from '../core.ts';

type Name = 'query.fields' | 'query.check' | 'query.suggest';

/** More are not read, only scrolled past. */
const SHOWN = 30;

export function queryHandlers(core: Core): Pick<CallHandlers, Name> {
	return {
		'query.fields': async () => ok({ items: QUERY_FIELDS, total: QUERY_FIELDS.length }),
		'query.check': async ({ query }) => {
			const parsed = parseQuery(query, core.ports.clock.now());
			return ok(
				parsed.ok
					? { problem: null, normal: formatQuery(parsed.value) }
					: { problem: queryMarks(query).problem, normal: null },
			);
		},
		'query.suggest': async ({ profile: name, query, at, within }) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			const caret = queryCaret(query, Math.min(at ?? query.length, query.length));
			return ok(await suggest(core.store.history, profile.value.id, caret, within));
		},
	};
}

async function suggest(
	history: HistoryStore,
	profile: ProfileId,
	caret: QueryCaret,
	within: string,
): Promise<QuerySuggestions> {
	if (caret.kind === 'nothing') return { start: 0, end: 0, items: [], counted: null };
	const answer = (
		items: readonly QuerySuggestion[],
		counted: QuerySuggestions['counted'] = null,
	): QuerySuggestions => ({ start: caret.start, end: caret.end, items: items.slice(0, SHOWN), counted });
	if (caret.kind === 'field') {
		if (typedPath(caret.typed) === null) return answer(fieldSuggestions(caret.typed));
		const calls = await history.calls(profile, within);
		return answer(pathSuggestions(caret.typed, calls), { tasks: calls.length, all: false });
	}
	const rest = together(within, caret.without);
	const path = typedPath(`${caret.field}.`);
	if (path !== null && path.path.length > 0) {
		const calls = await history.calls(profile, rest);
		return answer(valueSuggestions(caret, pathValues(path.root, path.path, calls)), {
			tasks: calls.length,
			all: false,
		});
	}
	const column = facetColumn(caret.field);
	if (column === null) return answer(valueSuggestions(caret, []));
	const { values, tasks, all } = await history.facet(profile, rest, column);
	return answer(valueSuggestions(caret, values), { tasks, all });
}

/** Both queries at once; what does not parse by itself is left out. */
function together(within: string, rest: string): string {
	const parts = [within, rest].filter((text) => text.trim() !== '' && parseQuery(text, 0).ok);
	return parts.map((text) => `(${text})`).join(' ');
}
