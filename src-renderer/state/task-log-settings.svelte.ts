/** How one profile's history is written: the settings as they are, and a draft of others. */
import { DEFAULT_TASK_LOG, TASK_LOG_RANGES, type TaskLogSettings } from '#main/domain/task-log.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import type { Engine } from './engine.ts';

export type TaskLogNumber = keyof typeof TASK_LOG_RANGES;
type Draft = Pick<TaskLogSettings, 'enabled' | 'truncate'> & Record<TaskLogNumber, string>;

/** The settings that are numbers, in the order in which they are shown. */
export const TASK_LOG_NUMBERS = Object.keys(TASK_LOG_RANGES) as readonly TaskLogNumber[];

export class TaskLogDraft {
	view: Output<'history.show'> | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	draft: Writable<Draft> | null = $state(null);
	busy = $state(false);
	readonly #engine: Engine;
	readonly #profile: string;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		void this.read();
	}

	async read(): Promise<void> {
		const answer = await this.#engine.call('history.show', { profile: this.#profile });
		if (answer.ok) this.#take(answer.value);
		else this.error = answer.error;
	}

	/** What is wrong with a number as it is typed; null: nothing. */
	fault(name: TaskLogNumber): string | null {
		const text = this.draft?.[name].trim() ?? '';
		const [least, most] = TASK_LOG_RANGES[name];
		const right = text === '' || (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most);
		return right ? null : `A whole number, ${least} to ${most.toLocaleString('en')}`;
	}

	get faulty(): boolean {
		return TASK_LOG_NUMBERS.some((name) => this.fault(name) !== null);
	}

	get changed(): boolean {
		return Object.keys(this.#change()).length > 0;
	}

	/** Saves what was changed. True: it is. */
	async save(): Promise<boolean> {
		this.busy = true;
		const answer = await this.#engine.call('history.set', { profile: this.#profile, ...this.#change() });
		this.busy = false;
		if (answer.ok) this.#take(answer.value);
		else this.error = answer.error;
		return answer.ok;
	}

	/** Back to the settings as they are. */
	reset(): void {
		if (this.view !== null) this.#take(this.view);
	}

	#take(view: Output<'history.show'>): void {
		const { settings } = view;
		this.error = null;
		this.view = view;
		const numbers = TASK_LOG_NUMBERS.map((name) => [name, String(settings[name])] as const);
		this.draft = {
			enabled: settings.enabled,
			truncate: settings.truncate,
			...(Object.fromEntries(numbers) as Record<TaskLogNumber, string>),
		};
	}

	/** Only what differs; an emptied number is as out of the box. */
	#change(): Omit<CallerInput<'history.set'>, 'profile'> {
		const { draft, view } = this;
		if (draft === null || view === null) return {};
		const { settings } = view;
		const numbers = TASK_LOG_NUMBERS.flatMap((name) => {
			const text = draft[name].trim();
			const value = text === '' ? DEFAULT_TASK_LOG[name] : Number(text);
			return value === settings[name] ? [] : [[name, value] as const];
		});
		return {
			...(draft.enabled === settings.enabled ? {} : { enabled: draft.enabled ? ('on' as const) : ('off' as const) }),
			...(draft.truncate === settings.truncate
				? {}
				: { truncate: draft.truncate ? ('on' as const) : ('off' as const) }),
			...Object.fromEntries(numbers),
		};
	}
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
