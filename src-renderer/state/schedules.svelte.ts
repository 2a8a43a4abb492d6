/** Schedules of one profile: what is known of them, the list, the one that is open, and everything that changes them. */
import type { BookKind } from '#main/domain/schedule.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { ScheduleChanged, ScheduleOutcome, ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { Change } from './change.svelte.ts';
import type { Answer, Engine } from './engine.ts';
import { affected, carryOut, outcomeWords, type ScheduleAction, type SchedulePlan } from './schedule-changes.ts';
import { OpenSchedule } from './schedule-detail.svelte.ts';
import type { ScheduleDrafts } from './schedule-drafts.svelte.ts';
import { type EditorPorts, ScheduleEditor } from './schedule-editor.svelte.ts';
import { emptyForm, type ScheduleForm } from './schedule-form.ts';
import { NEW_ID, scheduleId, splitScheduleId } from './schedule-id.ts';
import { ScheduleList } from './schedule-list.svelte.ts';
import { ScheduleSync } from './schedule-sync.svelte.ts';
import { ScheduleWatch } from './schedule-watch.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

/** The parts of the drawer. */
export type ScheduleTab = 'edit' | 'runs' | 'message' | 'history';

/** What belongs to the page rather than to a profile. */
export interface SchedulePorts {
	readonly toasts: Toasts;
	readonly drafts: ScheduleDrafts;
	/** Where a new schedule's task goes unless told. */
	queue(): string;
	/** Another schedule is to be open; null: none. */
	goto(id: string | null): void;
}

export class Schedules implements Disposable {
	readonly watch: ScheduleWatch;
	readonly list: ScheduleList;
	readonly sync: ScheduleSync;
	readonly change: Change<SchedulePlan, ScheduleOutcome, ScheduleOutcome>;
	/** The schedule in the drawer; null: none, or a new one. */
	open: OpenSchedule | null = $state.raw(null);
	/** What is being written in the drawer; null while it is being read. */
	editor: ScheduleEditor | null = $state.raw(null);
	/** The part that was chosen last: the next schedule opens at the same. */
	tab: ScheduleTab = $state('edit');
	/** Schedules of which something is being done, by id. */
	working: ReadonlySet<string> = $state.raw(new Set());
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #ports: SchedulePorts;
	readonly #editing: EditorPorts;
	#shown: string | null = null;

	constructor(engine: Engine, profile: string, ports: SchedulePorts) {
		this.#engine = engine;
		this.#profile = profile;
		this.#ports = ports;
		this.watch = new ScheduleWatch(engine, profile);
		this.list = new ScheduleList(engine, this.watch, profile);
		this.sync = new ScheduleSync(engine, profile, () => this.#changed());
		this.#editing = {
			engine,
			profile,
			capabilities: (book) => this.watch.book(book)?.capabilities ?? null,
		};
		this.change = new Change({
			review: (plan) => carryOut(engine, profile, plan, true),
			run: (plan, _review, options) => carryOut(engine, profile, plan, false, options),
			done: (plan, outcome) => this.#done(plan, outcome),
			failed: (_plan, error) =>
				void ports.toasts.show('failed', 'The schedules stay as they are', { text: error.message }),
		});
	}

	/** Puts a schedule into the drawer, by id; `new` is one that is being made, null none. */
	show(id: string | null): void {
		if (this.#shown === id) return;
		this.#leave();
		this.#shown = id;
		if (id === null) return;
		if (id === NEW_ID) {
			this.editor = this.#ports.drafts.get(this.#profile, NEW_ID) ?? this.#keep(this.#fresh());
			return;
		}
		const name = splitScheduleId(id);
		if (name === null) return;
		this.editor = this.#ports.drafts.get(this.#profile, id);
		this.open = new OpenSchedule(this.#engine, this.watch, this.#profile, name, {
			read: (detail) => {
				if (this.#shown !== id) return;
				if (this.editor === null) this.editor = this.#keep(ScheduleEditor.of(this.#editing, id, detail));
				else this.editor.refill(detail);
			},
			moved: (to) => {
				// Its unsaved edits go with it.
				if (this.editor?.dirty === true) this.#keep(this.editor.movedTo(to));
				this.#ports.drafts.drop(this.#profile, id);
				if (this.list.focused === id) this.list.focus(to);
				this.#ports.goto(to);
			},
		});
	}

	/** Opens a form for a new schedule; one that was begun is gone on with, unless other values are given. */
	begin(values: ScheduleForm | null = null): void {
		if (values !== null) {
			this.#ports.drafts.drop(this.#profile, NEW_ID);
			const editor = this.#keep(this.#fresh());
			editor.form = { ...values };
			if (this.#shown === NEW_ID) this.editor = editor;
		}
		this.tab = 'edit';
		this.#ports.goto(NEW_ID);
	}

	/** Saves what is in the drawer. */
	async save(): Promise<void> {
		const editor = this.editor;
		if (editor === null) return;
		const answer = await editor.save();
		if (answer === null) return;
		if (!answer.ok) {
			if (answer.error.code === 'conflict' && this.open !== null) {
				await this.open.read();
				if (editor.clashes.length === 0 && editor.dirty)
					this.#ports.toasts.show('note', 'It changed elsewhere at that moment', {
						text: 'What changed was taken over. Save again to keep your edit.',
					});
			} else this.#fail(`${editor.form.name || 'The schedule'} was not saved`, answer.error);
			return;
		}
		const id = scheduleId(answer.value.schedule);
		this.#tell(answer.value, editor.id === null ? 'made' : 'saved');
		if (editor.id === null) {
			this.#ports.drafts.drop(this.#profile, NEW_ID);
			// Somebody may have gone elsewhere meanwhile.
			if (this.#shown === NEW_ID) this.#ports.goto(id);
		} else if (this.#shown === editor.id) void this.open?.read();
		else this.#ports.drafts.release(this.#profile, editor.id);
		void this.list.settle();
	}

	/** Throws away what was typed. */
	discard(): void {
		const { editor } = this;
		if (editor === null) return;
		editor.discard();
		if (editor.id === null) {
			this.#ports.drafts.drop(this.#profile, NEW_ID);
			this.#ports.goto(null);
		}
	}

	/** Pauses one, or lets it run again; there is nothing to ask. */
	async toggle(view: ScheduleView): Promise<void> {
		const id = scheduleId(view);
		if (this.working.has(id)) return;
		const action = view.definition.active ? 'pause' : 'resume';
		const { book, key } = view;
		const answer = await this.#work(
			id,
			carryOut(this.#engine, this.#profile, { action, items: [{ book, key }] }, false),
		);
		if (!answer.ok) this.#fail(`${view.definition.name} was not ${action}d`, answer.error);
		else {
			const outcome = answer.value.items[0];
			if (outcome !== undefined && outcome.outcome !== 'done') {
				const word =
					outcome.outcome === 'waiting' ? `${action}d here; its book has it later` : `${action}: ${outcome.outcome}`;
				this.#ports.toasts.show(outcome.outcome === 'failed' ? 'failed' : 'note', `${view.definition.name} ${word}`, {
					text: outcome.reason ?? '',
				});
			}
		}
		this.#changed();
	}

	/** Asks about several, or about one where a question is due. */
	ask(action: ScheduleAction, ids: readonly string[]): void {
		const items = ids.flatMap((id) => {
			const name = splitScheduleId(id);
			return name === null ? [] : [name];
		});
		if (items.length > 0) void this.change.ask({ action, items });
	}

	/** What a command is aimed at, by id: what is ticked, else the open one, else the row at the keyboard. */
	get aim(): readonly string[] {
		if (this.list.selection.ids.size > 0) return [...this.list.selection.ids];
		const one = this.open?.id ?? this.list.focused;
		return one === null || one === undefined ? [] : [one];
	}

	/** Schedules with edits that were typed and not saved, by id. */
	get unsaved(): readonly string[] {
		return this.#ports.drafts.unsaved(this.#profile);
	}

	/** Copies one under a new name. Answers why not, in words; null: it is done. */
	async duplicate(
		of: { readonly book: BookKind; readonly key: string },
		as: string,
		to: BookKind,
	): Promise<string | null> {
		const answer = await this.#engine.call('schedule.duplicate', {
			profile: this.#profile,
			book: of.book,
			name: of.key,
			as,
			to,
		});
		if (!answer.ok) return answer.error.message;
		this.#tell(answer.value, 'made, paused');
		this.#ports.goto(scheduleId(answer.value.schedule));
		void this.list.settle();
		return null;
	}

	/** Decides a conflict. Answers why not; null: it is done. */
	async resolve(input: Omit<CallerInput<'schedule.resolve'>, 'profile'>): Promise<WireError | null> {
		const answer = await this.#engine.call('schedule.resolve', { ...input, profile: this.#profile });
		if (answer.ok) this.#tell(answer.value, 'resolved');
		this.#changed();
		return answer.ok ? null : answer.error;
	}

	/** Brings one back to a version of its past. */
	async restore(version: number, overwritten: boolean): Promise<WireError | null> {
		const answer = await this.#engine.call('schedule.restore', {
			profile: this.#profile,
			version,
			...(overwritten ? { overwritten } : {}),
		});
		if (answer.ok) this.#tell(answer.value, 'restored');
		this.#changed();
		return answer.ok ? null : answer.error;
	}

	/** Takes the waiting edit of one back. */
	async revert(of: { readonly book: BookKind; readonly key: string }): Promise<void> {
		const id = scheduleId(of);
		await this.#work(id, this.sync.revert(of));
		const { problem } = this.sync;
		if (problem === null) this.#ports.toasts.show('done', 'The edit is taken back', { text: 'Its history keeps it.' });
		else this.#fail('The edit was not taken back', problem);
	}

	/** Tasks that a schedule of a book could run. */
	tasks(book: BookKind) {
		return this.#engine.call('schedule.tasks', { profile: this.#profile, book });
	}

	/** Schedules as text; no ids: all of them. Those of one book are asked for by key, since keys are its own. */
	async exportOf(ids: readonly string[], format: 'json' | 'carrot' | 'redbeat') {
		const names = ids.flatMap((id) => splitScheduleId(id)?.key ?? []);
		const books = new Set(ids.flatMap((id) => splitScheduleId(id)?.book ?? []));
		const [only] = books;
		return this.#engine.call('schedule.export', {
			profile: this.#profile,
			format,
			...(names.length === 0 ? {} : { names }),
			...(books.size === 1 && only !== undefined ? { book: only } : {}),
		});
	}

	/** Makes schedules of text, or only says what would be made. */
	async imported(input: Omit<CallerInput<'schedule.import'>, 'profile'>): Promise<Answer<ScheduleOutcome>> {
		const answer = await this.#engine.call('schedule.import', { ...input, profile: this.#profile });
		if (input.dryRun !== true) this.#changed();
		return answer;
	}

	[Symbol.dispose](): void {
		this.#leave();
		this.change[Symbol.dispose]();
		this.sync[Symbol.dispose]();
		this.list[Symbol.dispose]();
		this.watch[Symbol.dispose]();
	}

	#leave(): void {
		if (this.#shown !== null) this.#ports.drafts.release(this.#profile, this.#shown);
		this.open?.[Symbol.dispose]();
		this.open = null;
		this.editor = null;
		this.#shown = null;
	}

	#fresh(): ScheduleEditor {
		const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
		const book = this.list.query.book ?? 'local';
		// Celery routes what names no queue, and a queue of Warren's own is mostly none of Celery's.
		const queue = book === 'redbeat' ? '' : this.#ports.queue();
		return new ScheduleEditor(this.#editing, null, emptyForm(book, queue, zone));
	}

	#keep(editor: ScheduleEditor): ScheduleEditor {
		this.#ports.drafts.keep(this.#profile, editor);
		return editor;
	}

	#done(plan: SchedulePlan, outcome: ScheduleOutcome): void {
		const words = outcomeWords(plan.action, outcome);
		const conflicts = outcome.items.filter((item) => item.outcome === 'conflict').length;
		const failed = outcome.failed > conflicts;
		const odd = outcome.items.find((item) => item.outcome !== 'done');
		this.#ports.toasts.show(failed ? 'failed' : affected(outcome) === 0 ? 'note' : 'done', words, {
			text: odd?.reason ?? outcome.items.find((item) => item.reason !== null)?.reason ?? '',
			action: odd === undefined ? null : { label: 'Show which', run: () => this.change.report(plan, outcome) },
		});
		if (plan.action === 'remove' && !failed) {
			this.list.selection.clear();
			if (this.open !== null && plan.items.some((item) => scheduleId(item) === this.open?.id)) this.#ports.goto(null);
		}
		this.#changed();
	}

	#tell(changed: ScheduleChanged, word: string): void {
		const { name } = changed.schedule.definition;
		const title = {
			done: `${name} is ${word}`,
			waiting: `${name} is ${word} here`,
			conflict: `${name} was changed elsewhere too`,
			refused: `The book would not have ${name}`,
		}[changed.outcome];
		const tone = changed.outcome === 'done' ? 'done' : changed.outcome === 'refused' ? 'failed' : 'note';
		const text = changed.note ?? (changed.outcome === 'waiting' ? 'It goes to its book when that answers.' : '');
		this.#ports.toasts.show(tone, title, { text });
	}

	#fail(title: string, error: WireError): void {
		this.#ports.toasts.show('failed', title, { text: error.message });
	}

	async #work<T>(id: string, work: Promise<T>): Promise<T> {
		this.working = new Set([...this.working, id]);
		const result = await work;
		this.working = new Set([...this.working].filter((each) => each !== id));
		return result;
	}

	/** Something of what is shown may be another by now. */
	#changed(): void {
		void this.list.settle();
		void this.open?.read();
	}
}
