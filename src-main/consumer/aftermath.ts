/** What follows a failure that is final and stored: hooks run in their order, and what they did becomes lines of the attempt's log. */
import type { Clock } from '#main/domain/clock.ts';
import type { FailureHook, RunnerSpec } from '#main/domain/consumer.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { assertNever } from '#main/domain/result.ts';
import type { AttemptOutcome, DecodedTask, LogLine } from '#main/domain/task.ts';
import type { Chronicle } from './chronicle.ts';
import type { Flight } from './flight.ts';
import { type FailureReport, type HookOutcome, hookName, runCommandHook, runHttpHook } from './hooks.ts';
import { ownLine } from './outcome.ts';
import type { Slot } from './slot.ts';

/** For a function without a time of its own: sets of earlier versions were saved without. */
const FUNCTION_TIMEOUT_MS = 30_000;

export interface AftermathOptions {
	readonly hooks: readonly FailureHook[];
	readonly runner: RunnerSpec;
	readonly worker: string;
	readonly profile: ProfileId;
	readonly clock: Clock;
	readonly chronicle: Chronicle;
}

/** A task that failed for good. `slot` is still reserved for it where hooks need one. */
export interface FinalFailure {
	readonly flight: Flight;
	readonly task: DecodedTask;
	readonly outcome: Extract<AttemptOutcome, { readonly exception: unknown }>;
	readonly attempt: number;
	readonly slot: Slot;
	readonly notFound: boolean;
}

export class Aftermath {
	readonly #options: AftermathOptions;
	readonly #end = new AbortController();

	constructor(options: AftermathOptions) {
		this.#options = options;
	}

	/** Whether anything is to be done at all. */
	get wanted(): boolean {
		return this.#options.hooks.length > 0;
	}

	/** Whether something of it runs where the task ran. */
	get needsSlot(): boolean {
		return this.#options.hooks.some((hook) => hook.kind === 'function');
	}

	/** Ends what runs, now. */
	abort(): void {
		this.#end.abort();
	}

	/** Runs the hooks; resolves when what they did is written. */
	async failed(failure: FinalFailure): Promise<void> {
		for (const hook of this.#options.hooks) {
			if (this.#end.signal.aborted) return;
			const said: LogLine[] = [];
			const outcome = await this.#run(hook, failure, said).catch(
				(error: unknown): HookOutcome => ({ kind: 'failed', reason: String(error) }),
			);
			const now = this.#options.clock.now();
			const words =
				outcome.kind === 'done'
					? ownLine(now, 'info', `Failure hook, ${hookName(hook)}: done. ${outcome.words}`.trim())
					: ownLine(now, 'error', `Failure hook, ${hookName(hook)}, failed: ${outcome.reason}`);
			await this.#options.chronicle.after(failure.flight, [...said, words]);
		}
	}

	#run(hook: FailureHook, failure: FinalFailure, said: LogLine[]): Promise<HookOutcome> {
		switch (hook.kind) {
			case 'command':
				return runCommandHook(hook, this.#report(failure), this.#options.runner, this.#end.signal);
			case 'http':
				return runHttpHook(hook, this.#report(failure), this.#end.signal);
			case 'function':
				return this.#call(hook, failure, said);
			default:
				return assertNever(hook);
		}
	}

	#report({ flight, task, outcome, attempt }: FinalFailure): FailureReport {
		const { worker, profile, clock } = this.#options;
		return {
			task: task.name,
			taskId: flight.facts?.taskId ?? flight.held.key,
			messageId: flight.held.key,
			queue: flight.held.queue,
			attempt,
			worker,
			profile,
			at: clock.now(),
			exception: outcome.exception,
			traceback: outcome.traceback,
			args: task.argsJson,
			kwargs: task.kwargsJson,
			log: flight.texts,
		};
	}

	async #call(
		{ path, timeoutMs = FUNCTION_TIMEOUT_MS }: Extract<FailureHook, { readonly kind: 'function' }>,
		failure: FinalFailure,
		said: LogLine[],
	): Promise<HookOutcome> {
		const { flight, task, outcome, attempt, slot, notFound } = failure;
		const call = {
			run: `${flight.run}-hook`,
			path,
			failure: {
				task: task.name,
				id: flight.held.key,
				queue: flight.held.queue,
				attempt,
				argsJson: task.argsJson,
				kwargsJson: task.kwargsJson,
				exception: outcome.exception,
				traceback: outcome.traceback,
				notFound,
			},
			log: flight.texts,
		};
		const end = await slot.hook(call, timeoutMs, (lines) => void said.push(...lines));
		switch (end.kind) {
			case 'returned':
				return { kind: 'done', words: '' };
			case 'raised':
			case 'not-found':
				return {
					kind: 'failed',
					reason: `${end.exception.type}: ${end.exception.message}${end.traceback === null ? '' : `\n${end.traceback}`}`,
				};
			case 'killed':
				return {
					kind: 'failed',
					reason: `it was killed${end.why.kind === 'time' ? `, since it took longer than ${end.why.limitMs} ms` : ''}.`,
				};
			case 'died':
				return { kind: 'failed', reason: `its process ended (${end.signal ?? `exit code ${end.exitCode}`}).` };
			case 'unavailable':
				return { kind: 'failed', reason: end.reason };
			default:
				return assertNever(end);
		}
	}
}
