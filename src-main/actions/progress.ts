/** Changes under way: announced, counted, cancellable. */
import { randomUUID } from 'node:crypto';
import type { ActionItem, ActionKind, ActionOutcome, ActionProgress, ArgumentSource } from '#main/domain/action.ts';
import { countSources } from './argument-sources.ts';

const LISTED = 1_000;
const KEEP_MS = 30_000;

/** One change that is being carried out. */
export interface RunningAction {
	/** Aborted by `cancel`, or when its caller goes away. */
	readonly signal: AbortSignal;
	record(items: readonly ActionItem[]): void;
	finish(): ActionOutcome;
}

export interface Actions {
	begin(kind: ActionKind, profile: string, title: string, total: number, signal: AbortSignal): RunningAction;
	cancel(key: string): boolean;
	current(): readonly ActionProgress[];
	onChange(listener: (progress: ActionProgress) => void): Disposable;
}

/** Keeps the changes of one engine. Finished ones stay to be seen for half a minute. */
export function createActions(now: () => number): Actions {
	const running = new Map<string, { progress: ActionProgress; abort: AbortController; endedAt: number | null }>();
	const listeners = new Set<(progress: ActionProgress) => void>();

	function forgetOld(): void {
		for (const [key, action] of running) {
			if (action.endedAt !== null && action.endedAt + KEEP_MS < now()) running.delete(key);
		}
	}

	return {
		begin(kind, profile, title, total, signal) {
			forgetOld();
			const key = randomUUID();
			const abort = new AbortController();
			const entry: { progress: ActionProgress; abort: AbortController; endedAt: number | null } = {
				progress: { key, profile, title, done: 0, failed: 0, total, state: 'running', startedAt: now() },
				abort,
				endedAt: null,
			};
			running.set(key, entry);
			const all: ActionItem[] = [];
			const bad: ActionItem[] = [];
			const counts = { done: 0, failed: 0, skipped: 0 };
			const sources = new Map<ArgumentSource, number>();
			const tell = () => {
				for (const listener of listeners) listener(entry.progress);
			};
			tell();
			return {
				signal: AbortSignal.any([signal, abort.signal]),
				record(items) {
					for (const item of items) {
						counts[item.outcome] += 1;
						if (item.source !== undefined) sources.set(item.source, (sources.get(item.source) ?? 0) + 1);
						const list = item.outcome === 'done' ? all : bad;
						if (list.length < LISTED) list.push(item);
					}
					entry.progress = { ...entry.progress, done: counts.done + counts.skipped, failed: counts.failed };
					tell();
				},
				finish() {
					const handled = counts.done + counts.failed + counts.skipped;
					const cancelled = handled < total;
					entry.progress = { ...entry.progress, state: cancelled ? 'cancelled' : 'finished' };
					entry.endedAt = now();
					tell();
					const items = [...bad, ...all].slice(0, LISTED);
					const from = sources.size === 0 ? {} : { sources: countSources(sources) };
					return { action: kind, ...counts, cancelled, dryRun: false, items, ...from };
				},
			};
		},
		cancel(key) {
			const action = running.get(key);
			if (action === undefined || action.endedAt !== null) return false;
			action.abort.abort();
			return true;
		},
		current() {
			forgetOld();
			return [...running.values()].map((action) => action.progress);
		},
		onChange(listener) {
			listeners.add(listener);
			return { [Symbol.dispose]: () => listeners.delete(listener) };
		},
	};
}
