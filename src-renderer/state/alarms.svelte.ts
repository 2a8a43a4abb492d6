/** What is amiss with the profile, as the engine watches it; and the browser's own notifications, where there is no desktop's. */
import type { Alarm } from '#main/domain/alarm.ts';
import type { AlarmView, Engine } from './engine.ts';

export class AlarmWatch implements Disposable {
	/** As it was last told; null: not yet, or this profile has nothing that is watched for alarms. */
	view: AlarmView | null = $state.raw(null);
	/** Whether the browser notifies; null: this page has no way to, or its desktop does. */
	permission: NotificationPermission | null = $state(null);
	readonly #engine: Engine;
	readonly #profile: string;
	#stream: Disposable | null = null;
	#name = '';

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.permission = 'warrenShell' in window || !('Notification' in window) ? null : Notification.permission;
	}

	/** What is an alarm now; those that are still building are not. */
	get raised(): readonly Alarm[] {
		return this.view?.items.filter(({ state }) => state !== 'building') ?? [];
	}

	/** Follows the alarms until disposed of. `name`: the profile's, as notifications say it. */
	watch(name: string): Disposable {
		this.#name = name;
		const take = (items: readonly { readonly view: AlarmView }[]): void => {
			const view = items.at(-1)?.view;
			if (view === undefined) return;
			// What was told before this page looked was told to somebody.
			const before = this.view;
			if (before !== null && view.tells) for (const alarm of fresh(before.items, view.items)) this.#notify(name, alarm);
			this.view = view;
		};
		this.#stream?.[Symbol.dispose]();
		const stream = this.#engine.open(
			'alarm.watch',
			{ profile: this.#profile, notifies: this.permission === 'granted' },
			{
				snapshot: take,
				change: take,
				end: () => {
					this.view = null;
				},
			},
		);
		this.#stream = stream;
		return stream;
	}

	/** Asks the person whether the browser may notify. Browsers only ask in answer to a click. */
	async ask(): Promise<void> {
		if (this.permission !== 'default') return;
		this.permission = await Notification.requestPermission();
		if (this.permission === 'granted' && this.#stream !== null) this.watch(this.#name);
	}

	[Symbol.dispose](): void {
		this.#stream?.[Symbol.dispose]();
		this.#stream = null;
	}

	#notify(name: string, alarm: Alarm): void {
		if (this.permission !== 'granted') return;
		new Notification(`Warren: ${name}`, { body: alarm.words, tag: `${this.#profile} ${alarm.rule} ${alarm.subject}` });
	}
}

/** Those that the engine would have somebody told of by now, and had not before. */
function fresh(before: readonly Alarm[], now: readonly Alarm[]): readonly Alarm[] {
	const same = (a: Alarm, b: Alarm): boolean => a.rule === b.rule && a.subject === b.subject && a.since === b.since;
	return now.filter((alarm) => alarm.told && !before.some((old) => old.told && same(old, alarm)));
}
