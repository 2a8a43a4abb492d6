/** Handlers of the routes about the query language, and of the search of logs. */
import type { ProfileId } from '#main/domain/ids.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import { languageOf, type QueryTarget } from '#main/domain/query-languages.ts';
import { type QueryCaret, queryCaret, queryMarks } from '#main/domain/query-marks.ts';
import { parseQuery, parseQueryOf } from '#main/domain/query-parse.ts';
import {
	type FacetValue,
	facetColumn,
	pathSuggestions,
	pathValues,
	plainSuggestions,
	type QuerySuggestions,
	suggestionsFor,
	typedPath,
} from '#main/domain/query-suggest.ts';
import { ok } from '#main/domain/result.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { HistoryStore } from '#main/store/store.ts';
import type { Core } from '../core.ts';
import { scheduleSubject } from '../schedule-search.ts';

type Name = 'query.fields' | 'query.check' | 'query.suggest' | 'log.search';

/** Lines of the audit in which values are counted. */
const AUDIT_COUNTED = 1_000;

export function queryHandlers(core: Core): Pick<CallHandlers, Name> {
	const now = () => core.ports.clock.now();
	return {
		'query.fields': async ({ target }) => {
			const { fields } = languageOf(target);
			return ok({ items: fields, total: fields.length });
		},
		'query.check': async ({ query, target }) => {
			const parsed = parseQueryOf(target, query, now());
			return ok(
				parsed.ok
					? { problem: null, normal: formatQuery(parsed.value, target) }
					: { problem: queryMarks(query, target).problem, normal: null },
			);
		},
		'query.suggest': async ({ profile: name, query, target, at, within }) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			const caret = queryCaret(query, Math.min(at ?? query.length, query.length), target);
			const { id } = profile.value;
			return ok(
				target === 'tasks'
					? await suggest(core.store.history, id, caret, within)
					: await suggestElse(core, id, target, caret),
			);
		},
		'log.search': async ({ profile: name, query, limit, cursor }) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			return core.store.history.searchLogs({ profile: profile.value.id, query, limit, cursor: cursor ?? null });
		},
	};
}

/** Of anything but tasks: fields, and the values that are known of one. */
async function suggestElse(
	core: Core,
	profile: ProfileId,
	target: Exclude<QueryTarget, 'tasks'>,
	caret: QueryCaret,
): Promise<QuerySuggestions> {
	if (caret.kind !== 'value') return plainSuggestions(caret, target);
	const { values, counted } = await valuesOf(core, profile, target, caret.field);
	return plainSuggestions(caret, target, values, counted);
}

interface Known {
	readonly values: readonly FacetValue[];
	readonly counted: QuerySuggestions['counted'];
}

async function valuesOf(
	core: Core,
	profile: ProfileId,
	target: Exclude<QueryTarget, 'tasks'>,
	field: string,
): Promise<Known> {
	const about = languageOf(target).fields.find(({ name }) => name === field);
	if (about?.type !== 'text' && about?.type !== 'choice') return { values: [], counted: null };
	if (target === 'schedules') {
		const { rows, troubled } = await core.schedules.desk.gather(profile);
		const facts = { now: core.ports.clock.now(), troubled };
		// One of the texts of this language: the field was found in it.
		const name = field as Parameters<ReturnType<typeof scheduleSubject>['texts']>[0];
		const values = tally(rows.flatMap((one) => [...scheduleSubject(one, facts).texts(name)]));
		return { values, counted: { tasks: rows.length, all: true } };
	}
	if (target === 'audit') {
		const page = await core.store.records.auditList({ query: '', limit: AUDIT_COUNTED, before: null });
		if (!page.ok) return { values: [], counted: null };
		const { items, total } = page.value;
		const texts = items.flatMap((line) => {
			const text = (line as unknown as Readonly<Record<string, unknown>>)[field];
			return typeof text === 'string' && field !== 'input' ? [text] : [];
		});
		return { values: tally(texts), counted: { tasks: items.length, all: items.length === total } };
	}
	// Messages and lines have what tasks have; how many of them is not known without looking.
	const column = facetColumn(field);
	if (column === null) return { values: [], counted: null };
	const { values } = await core.store.history.facet(profile, '', column);
	return { values: values.map(({ value }) => ({ value, count: null })), counted: null };
}

function tally(texts: readonly string[]): readonly FacetValue[] {
	const counts = new Map<string, number>();
	for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
	return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
}

async function suggest(
	history: HistoryStore,
	profile: ProfileId,
	caret: QueryCaret,
	within: string,
): Promise<QuerySuggestions> {
	if (caret.kind !== 'value') {
		if (caret.kind === 'nothing' || typedPath(caret.typed) === null) return plainSuggestions(caret, 'tasks');
		const calls = await history.calls(profile, within);
		return suggestionsFor(caret, pathSuggestions(caret.typed, calls), { tasks: calls.length, all: false });
	}
	const rest = together(within, caret.without);
	const path = typedPath(`${caret.field}.`);
	if (path !== null && path.path.length > 0) {
		const calls = await history.calls(profile, rest);
		const values = pathValues(path.root, path.path, calls);
		return plainSuggestions(caret, 'tasks', values, { tasks: calls.length, all: false });
	}
	const column = facetColumn(caret.field);
	if (column === null) return plainSuggestions(caret, 'tasks');
	const { values, tasks, all } = await history.facet(profile, rest, column);
	return plainSuggestions(caret, 'tasks', values, { tasks, all });
}

/** Both queries at once; what does not parse by itself is left out. */
function together(within: string, rest: string): string {
	const parts = [within, rest].filter((text) => text.trim() !== '' && parseQuery(text, 0).ok);
	return parts.map((text) => `(${text})`).join(' ');
}
