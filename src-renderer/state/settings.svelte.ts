/** Warren's own settings, and the theme on the page's root element. */
import type { AppInfo, SettingsView } from '#main/ipc/contract/console.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import type { Answer, Engine } from './engine.ts';

export type Theme = SettingsView['theme'];

const REMEMBERED = 'warren.theme';

export class Settings {
	view: SettingsView | null = $state.raw(null);
	info: AppInfo | null = $state.raw(null);
	theme: Theme = $state('system');
	readonly #engine: Engine;

	constructor(engine: Engine) {
		this.#engine = engine;
		// The theme is wanted before the engine answers, else a dark page flashes light at every start.
		const remembered = localStorage.getItem(REMEMBERED);
		if (remembered === 'light' || remembered === 'dark') this.theme = remembered;
		this.#paint();
	}

	async load(): Promise<void> {
		const [view, info] = await Promise.all([this.#engine.call('settings.show', {}), this.#engine.call('app.info', {})]);
		if (view.ok) this.#take(view.value);
		if (info.ok) this.info = info.value;
	}

	async change(change: CallerInput<'settings.change'>): Promise<Answer<SettingsView>> {
		if (change.theme !== undefined) {
			this.theme = change.theme;
			this.#paint();
		}
		const answer = await this.#engine.call('settings.change', change);
		if (answer.ok) this.#take(answer.value);
		return answer;
	}

	#take(view: SettingsView): void {
		this.view = view;
		this.theme = view.theme;
		this.#paint();
	}

	#paint(): void {
		document.documentElement.dataset.theme = this.theme;
		if (this.theme === 'system') localStorage.removeItem(REMEMBERED);
		else localStorage.setItem(REMEMBERED, this.theme);
	}
}
