/** When a profile's alarms speak: the rules as they are, and a draft of others. */
import { ALARM_NAMES, type AlarmRule, quietWords, readQuietHours } from '#main/domain/alarm.ts';
import { readDuration } from '#main/domain/query-values.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import type { AlarmView, Engine } from './engine.ts';
import { timeText } from './set-form.svelte.ts';

/** A rule as it is typed. */
export interface DraftRule {
	on: boolean;
	/** In the rule's unit; empty: none. */
	threshold: string;
	/** How long it must last: `90s`, `5m`. */
	for: string;
}

type Rule = AlarmView['rules'][number];
type Setting = Omit<CallerInput<'alarm.set'>, 'profile'>;

export class AlarmRules {
	view: AlarmView | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	draft: Record<AlarmRule, DraftRule> | null = $state(null);
	/** `22:00-07:00`; empty: none. */
	quiet = $state('');
	busy = $state(false);
	/** What the engine refused, by rule, or `quiet`. */
	refused: Readonly<Record<string, string>> = $state.raw({});
	readonly #engine: Engine;
	readonly #profile: string;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		void this.read();
	}

	/** Reads the rules. A draft that somebody is at stays. */
	async read(): Promise<void> {
		const answer = await this.#engine.call('alarm.list', { profile: this.#profile });
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		const untouched = this.draft === null || !this.changed;
		this.error = null;
		this.#take(answer.value, untouched);
	}

	/** Whether the draft differs from the rules. */
	get changed(): boolean {
		return this.#changes().size > 0;
	}

	/** What is wrong with a rule as it is typed, by field; null: nothing. */
	fault(rule: Rule): { readonly field: 'threshold' | 'for'; readonly words: string } | null {
		const wrong = this.#wrong(rule);
		const refused = this.refused[rule.rule];
		if (wrong !== null || refused === undefined) return wrong;
		return { field: rule.unit === null ? 'for' : 'threshold', words: refused };
	}

	/** What cannot be sent as it is typed. */
	#wrong(rule: Rule): { readonly field: 'threshold' | 'for'; readonly words: string } | null {
		const typed = this.draft?.[rule.rule];
		if (typed === undefined) return null;
		const threshold = typed.threshold.trim();
		if (rule.unit !== null && threshold === '' && typed.on) {
			return { field: 'threshold', words: 'It says nothing without a number' };
		}
		if (threshold !== '' && !(/^\d{1,9}(\.\d+)?$/.test(threshold) && Number(threshold) <= 1e9)) {
			return { field: 'threshold', words: 'A number, 0 or more' };
		}
		if (typeof readDuration(typed.for.trim()) !== 'number') return { field: 'for', words: 'A time: 0s, 90s or 5m' };
		return null;
	}

	/** What is wrong with the quiet hours; null: nothing. */
	get quietFault(): string | null {
		return this.#wrongQuiet ?? this.refused.quiet ?? null;
	}

	get #wrongQuiet(): string | null {
		const typed = this.quiet.trim();
		return typed !== '' && readQuietHours(typed) === null ? 'A span of a day: 22:00-07:00' : null;
	}

	/** Something cannot be sent as it is typed. */

	get faulty(): boolean {
		return this.#wrongQuiet !== null || (this.view?.rules.some((rule) => this.#wrong(rule) !== null) ?? false);
	}

	/** Back to the rules as they are. */
	reset(): void {
		if (this.view !== null) this.#take(this.view, true);
	}

	/** Saves what was changed, rule by rule. True: all of it. */
	async save(): Promise<boolean> {
		if (this.busy || this.faulty) return false;
		this.busy = true;
		const refused: Record<string, string> = {};
		let view = this.view;
		for (const [field, setting] of this.#changes()) {
			const answer = await this.#engine.call('alarm.set', { ...setting, profile: this.#profile });
			if (answer.ok) view = answer.value;
			else refused[field] = answer.error.message.replace(/^\w+: /, '');
		}
		this.busy = false;
		// What was refused stays as it was typed, beside why.
		if (view !== null) this.#take(view, Object.keys(refused).length === 0);
		this.refused = refused;
		return Object.keys(refused).length === 0;
	}

	/** Back to how it is out of the box. */
	async restore(): Promise<void> {
		const answer = await this.#engine.call('alarm.set', { profile: this.#profile, default: true });
		if (answer.ok) this.#take(answer.value, true);
		else this.error = answer.error;
	}

	#take(view: AlarmView, redraft: boolean): void {
		this.view = view;
		if (!redraft) return;
		this.refused = {};
		this.draft = Object.fromEntries(view.rules.map((rule) => [rule.rule, draftOf(rule)])) as Record<
			AlarmRule,
			DraftRule
		>;
		this.quiet = quietText(view);
	}

	/** What differs, as it would be set, by rule or `quiet`. */
	#changes(): ReadonlyMap<string, Setting> {
		const changes = new Map<string, Setting>();
		const { view, draft } = this;
		if (view === null || draft === null) return changes;
		for (const name of ALARM_NAMES) {
			const rule = view.rules.find((one) => one.rule === name);
			if (rule === undefined) continue;
			const [typed, old] = [draft[name], draftOf(rule)];
			const threshold = typed.threshold.trim();
			const setting: Setting = {
				// A limit that is given switches a rule on, unless it is said otherwise.
				...(typed.on === old.on && threshold === old.threshold ? {} : typed.on ? { on: true } : { off: true }),
				...(threshold === '' || threshold === old.threshold ? {} : { threshold: Number(threshold) }),
				...(typed.for.trim() === old.for ? {} : { for: typed.for.trim() }),
			};
			if (Object.keys(setting).length > 0) changes.set(name, { ...setting, rule: name });
		}
		const quiet = this.quiet.trim();
		if (quiet !== quietText(view)) changes.set('quiet', { quiet: quiet === '' ? 'none' : quiet });
		return changes;
	}
}

function draftOf({ enabled, threshold, forMs }: Rule): DraftRule {
	return { on: enabled, threshold: threshold === null ? '' : String(threshold), for: timeText(forMs) };
}

function quietText({ quiet }: AlarmView): string {
	return quiet === null ? '' : quietWords(quiet);
}
