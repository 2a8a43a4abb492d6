/** Names of a profile's apps: as they stand, and what the pair being typed would make of its tasks. */
import type { WireError } from '#main/ipc/codes.ts';
import type { Output } from '#main/ipc/contract.ts';
import type { Engine } from './engine.ts';

export type AppsView = Output<'report.apps'>;

export class AppNames {
	/** As things would stand with the draft; null: not known yet. */
	view: AppsView | null = $state.raw(null);
	/** What could not be read or was refused. */
	error: WireError | null = $state.raw(null);
	other = $state('');
	app = $state('');
	busy = $state(false);
	readonly #engine: Engine;
	readonly #profile: string;
	#turn = 0;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	/** Whether both names are there to be tried and saved. */
	get whole(): boolean {
		return this.other.trim() !== '' && this.app.trim() !== '';
	}

	/** Reads the tasks with the draft's pair, where it is whole; nothing changes by it. */
	async read(): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		const pair = this.whole ? [`${this.other.trim()}=${this.app.trim()}`] : [];
		const answer = await this.#engine.call('report.apps', { profile: this.#profile, try: pair });
		if (turn !== this.#turn) return;
		this.error = answer.ok ? null : answer.error;
		if (answer.ok) this.view = answer.value;
	}

	/** Keeps the draft's pair. */
	async save(): Promise<void> {
		if (!this.whole || !(await this.#map(this.other.trim(), this.app.trim()))) return;
		this.other = '';
		this.app = '';
		await this.read();
	}

	/** Lets a name stand for itself again. */
	async remove(other: string): Promise<void> {
		if (await this.#map(other, '')) await this.read();
	}

	async #map(other: string, app: string): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		const answer = await this.#engine.call('report.map', { profile: this.#profile, other, app });
		this.busy = false;
		this.error = answer.ok ? null : answer.error;
		return answer.ok;
	}
}
