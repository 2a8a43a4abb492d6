/** Whom to ask for the arguments of Celery's tasks of which no message is kept, and where those of a review's tasks are. */
import { type ArgumentDoors, ArgumentSearch, type ToldArguments, type Wanted } from '#main/actions/argument-sources.ts';
import type { SeenSource, SourceLook } from '#main/actions/review.ts';
import { readTaskInfo } from '#main/dialects/celery/task-info.ts';
import { readJson } from '#main/dialects/json/read.ts';
import type { ArgumentSource } from '#main/domain/action.ts';
import type { ProfileId, TaskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { TaskRow } from '#main/domain/task.ts';
import type { ControlOutcome } from '#main/domain/worker-control.ts';
import { resultCall } from '#main/monitor/celery/result-fold.ts';
import type { HistoryStore } from '#main/store/store.ts';
import { type CeleryControl, celeryOnly } from './celery-control.ts';
import type { CeleryMonitors } from './celery-monitors.ts';
import type { CeleryResults } from './celery-results.ts';
import { knownNodes } from './celery-workers.ts';
import type { Ports } from './ports.ts';

/** How long workers are waited for, in ms. */
const PATIENCE_MS = 2_000;

/** What is asked through. */
export interface ArgumentParts {
	readonly ports: Ports;
	readonly monitors: CeleryMonitors;
	readonly control: CeleryControl;
	readonly results: CeleryResults;
}

/** Whom to ask of a profile's tasks; null: nobody, it is not Celery's. */
export function argumentDoors(parts: ArgumentParts, profile: Profile): ArgumentDoors | null {
	if (!celeryOnly(profile).ok) return null;
	const backend = profile.results?.kind !== 'redis' ? null : parts.results.backend(profile);
	return {
		async workers(ids) {
			const { known, watched } = await knownNodes(parts, profile);
			const outcome = await parts.control.ask(profile, {
				method: 'query_task',
				arguments: { ids },
				destination: null,
				pattern: null,
				timeoutMs: PATIENCE_MS,
				known,
				watched,
				signal: new AbortController().signal,
			});
			return outcome.ok ? ok(toldByWorkers(outcome.value)) : outcome;
		},
		results:
			backend === null
				? null
				: async (ids): Promise<Result<ReadonlyMap<string, ToldArguments>>> => {
						if (!backend.ok) return backend;
						const found = await backend.value.tasks(ids);
						if (!found.ok) return found;
						const told = new Map<string, ToldArguments>();
						for (const [id, { result }] of found.value) {
							const call = resultCall(result);
							if (call !== null) told.set(id, { call, name: result.name, queue: result.queue });
						}
						return ok(told);
					},
	};
}

/** Calls from answers to `query_task`, whose arguments are real values: `{id: ["active", {name, args, kwargs, …}]}`. */
export function toldByWorkers({ items }: Pick<ControlOutcome, 'items'>): ReadonlyMap<string, ToldArguments> {
	const told = new Map<string, ToldArguments>();
	for (const { answers } of items) {
		for (const answer of answers) {
			const read = answer.ok ? readJson(answer.json) : null;
			if (read?.ok !== true || read.value.kind !== 'dict') continue;
			for (const [key, entry] of read.value.entries) {
				const info = entry.kind === 'list' ? readTaskInfo(entry.items[1] ?? entry) : null;
				if (key.kind !== 'str' || info === null || info.call === null) continue;
				told.set(key.value, { call: info.call, name: info.name, queue: info.queue });
			}
		}
	}
	return told;
}

/** Looks where the arguments of a review's tasks are. */
export function sourceLook(
	profile: ProfileId,
	history: Pick<HistoryStore, 'keptArguments'>,
	doors: ArgumentDoors | null,
): SourceLook {
	const search = new ArgumentSearch(doors);
	return {
		async of(rows: readonly TaskRow[]) {
			const seen = new Map<TaskId, SeenSource>();
			const byId = new Map(rows.map((row) => [row.id, row]));
			const kept = await history.keptArguments(profile, [...byId.keys()]);
			const wanted: Wanted[] = [];
			for (const { id, message, messageId, printed } of kept) {
				const row = byId.get(id);
				if (message) seen.set(id, { source: 'message' });
				else if (row !== undefined) wanted.push({ id, state: row.state, messageId, printed });
			}
			for (const [id, found] of await search.find(wanted)) {
				seen.set(
					id,
					found.kind === 'found'
						? { source: found.source }
						: { source: null, cause: found.cause, reason: found.reason },
				);
			}
			return seen;
		},
		warnings(counts) {
			const made = (['worker', 'result', 'event'] satisfies ArgumentSource[]).reduce(
				(sum, source) => sum + (counts.get(source) ?? 0),
				0,
			);
			const words: string[] = [];
			if (search.trouble !== null)
				words.push(`Results could not be read, so their arguments were left out: ${search.trouble}`);
			if (made > 0) {
				words.push(
					`Of ${made === 1 ? 'one of them' : `${made} of them`} no message is kept: a new one is made of task, queue and arguments. Callbacks, the rest of a chain, group, time limits and headers of its own are not known, and are not sent.`,
				);
			}
			return words;
		},
	};
}
