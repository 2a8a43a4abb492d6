/**
 * A schedule being written: what is typed, what the engine says of it, and how it is saved. What changes elsewhere meanwhile is
 * laid under what is typed; where both say something different, a person decides before anything is saved.
 */
import type { BookCapabilities, BookKind, ScheduleField } from '#main/domain/schedule.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type {
	DraftProblem,
	ScheduleChanged,
	ScheduleDetail,
	SchedulePreview,
	ScheduleView,
} from '#main/ipc/contract/schedule-answers.ts';
import type { Answer, Engine } from './engine.ts';
import {
	differingFields,
	draftOf,
	editOf,
	formOf,
	keeps,
	placeOfProblem,
	priorityOf,
	rebased,
	type ScheduleForm,
	withFields,
} from './schedule-form.ts';
import { splitScheduleId } from './schedule-id.ts';

/** How long nobody types before the engine is asked. */
const QUIET_MS = 180;

/** Something wrong with what is typed, at its field. */
export interface EditorProblem extends DraftProblem {
	/** Where it is shown; null: nowhere in particular. */
	readonly place: ScheduleField | null;
}

/** A field that was changed here and elsewhere, differently. */
export interface Clash {
	readonly field: ScheduleField;
	/** What the form would be with the other side's value. */
	readonly theirs: ScheduleForm;
}

/** What an editor needs to know of its surroundings. */
export interface EditorPorts {
	readonly engine: Engine;
	readonly profile: string;
	capabilities(book: BookKind): BookCapabilities | null;
}

export class ScheduleEditor implements Disposable {
	/** `<book>/<key>`; null: it is new. */
	readonly id: string | null;
	/** As typed; fields are bound to it. */
	form: ScheduleForm = $state() as ScheduleForm;
	/** What it was filled with. */
	start: ScheduleForm = $state.raw() as ScheduleForm;
	preview: SchedulePreview | null = $state.raw(null);
	/** Why there is no preview. */
	error: WireError | null = $state.raw(null);
	/** What is shown is about an earlier text. */
	checking = $state(false);
	busy = $state(false);
	/** Saving was tried: all that is missing is pointed at. */
	tried = $state(false);
	touched: ReadonlySet<ScheduleField> = $state.raw(new Set());
	clashes: readonly Clash[] = $state.raw([]);
	/** Fields that were taken over from elsewhere, so that it can be said. */
	taken: readonly ScheduleField[] = $state.raw([]);
	readonly #ports: EditorPorts;
	/** The fingerprint that it was filled from. */
	#from: string | null = null;
	/** The text that the preview is about. */
	#checked: string | null = null;
	#turn = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(ports: EditorPorts, id: string | null, start: ScheduleForm, from: string | null = null) {
		this.#ports = ports;
		this.id = id;
		this.start = start;
		this.form = { ...start };
		this.#from = from;
	}

	/** An editor for a schedule as it was read. */
	static of(ports: EditorPorts, id: string, detail: ScheduleDetail): ScheduleEditor {
		const form = formOf(detail.draft, detail.view.definition, detail.view.book);
		return new ScheduleEditor(ports, id, form, detail.view.fingerprint);
	}

	/** The same edits of the schedule under another id. */
	movedTo(id: string): ScheduleEditor {
		const next = new ScheduleEditor(this.#ports, id, this.start, this.#from);
		next.form = { ...this.form };
		return next;
	}

	/** What its book can do; null: not known. */
	get capabilities(): BookCapabilities | null {
		return this.#ports.capabilities(this.form.book);
	}

	/** Fields that differ from what it was filled with. */
	get changed(): readonly ScheduleField[] {
		return differingFields(this.start, this.form);
	}

	/** Whether something would be lost by throwing it away. */
	get dirty(): boolean {
		return this.changed.length > 0 || this.form.book !== this.start.book;
	}

	keeps(field: ScheduleField): boolean {
		return keeps(this.capabilities, field);
	}

	/** Everything that stands against saving. */
	get problems(): readonly EditorProblem[] {
		const found: EditorProblem[] = (this.preview?.problems ?? []).map((problem) => ({
			...problem,
			place: placeOfProblem(problem.field),
		}));
		const priority = priorityOf(this.form);
		if (priority !== null && typeof priority === 'object' && this.keeps('priority')) {
			const nowhere = { line: null, column: null, offset: null };
			found.push({ field: 'priority', place: 'priority', message: priority.wrong, ...nowhere });
		}
		return found;
	}

	/** What is wrong with a field, once somebody has been there; null: nothing. */
	problemAt(field: ScheduleField): EditorProblem | null {
		const seen = this.id !== null || this.tried || this.touched.has(field);
		return seen ? (this.problems.find((problem) => problem.place === field) ?? null) : null;
	}

	touch(field: ScheduleField): void {
		if (!this.touched.has(field)) this.touched = new Set([...this.touched, field]);
	}

	/** Something was typed: asks the engine once nothing has been for a moment. */
	look(): void {
		this.checking = true;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.check(), QUIET_MS);
	}

	/** Asks the engine what it makes of it; late answers about earlier texts are dropped. */
	async check(): Promise<void> {
		clearTimeout(this.#timer);
		const turn = ++this.#turn;
		this.checking = true;
		const { engine, profile } = this.#ports;
		const of = this.id === null ? null : splitScheduleId(this.id);
		const text = JSON.stringify(this.form);
		const answer = await engine.call('schedule.preview', {
			profile,
			book: this.form.book,
			name: this.form.name,
			active: this.form.active,
			...(of === null ? {} : { of: of.key }),
			...draftOf(this.form, this.capabilities),
		});
		if (turn !== this.#turn) return;
		this.checking = false;
		this.#checked = text;
		if (answer.ok) {
			this.preview = answer.value;
			this.error = null;
		} else {
			this.preview = null;
			this.error = answer.error;
		}
	}

	/** It was read again. Untouched, it shows that; else what changed elsewhere is laid under what is typed. */
	refill(detail: ScheduleDetail): void {
		if (this.busy) return;
		const theirs = formOf(detail.draft, detail.view.definition, detail.view.book);
		if (!this.dirty) {
			if (this.#from !== detail.view.fingerprint || differingFields(this.start, theirs).length > 0) {
				this.start = theirs;
				this.form = { ...theirs };
			}
			this.#from = detail.view.fingerprint;
			this.clashes = [];
			this.taken = [];
			return;
		}
		if (this.#from === detail.view.fingerprint) return;
		const result = rebased(this.start, this.form, theirs);
		const before = this.clashes.filter((clash) => !result.clashes.includes(clash.field));
		this.start = theirs;
		this.form = { ...result.form };
		this.#from = detail.view.fingerprint;
		this.taken = [...new Set([...this.taken, ...result.taken])];
		// What is still undecided from before stays so.
		this.clashes = [...before, ...result.clashes.map((field) => ({ field, theirs }))];
	}

	/** Decides a clash. Mine stays as typed and will overwrite theirs, which its past keeps. */
	decide(field: ScheduleField, side: 'mine' | 'theirs'): void {
		const clash = this.clashes.find((each) => each.field === field);
		if (clash === undefined) return;
		if (side === 'theirs') this.form = withFields(this.form, clash.theirs, [field]);
		this.clashes = this.clashes.filter((each) => each !== clash);
	}

	/** Why it cannot be saved now, in words; null: it can. */
	get barred(): string | null {
		if (this.busy) return 'It is being saved';
		if (this.clashes.length > 0) return 'It changed elsewhere meanwhile: decide what holds';
		if (!this.dirty && this.id !== null) return 'Nothing was changed';
		return this.problems.length > 0 ? problemsWords(this.problems.length) : null;
	}

	/**
	 * Saves it. Null: there is something to mend first, which is pointed at. An answer with code `conflict` means that it changed
	 * elsewhere at this very moment; it is to be read again, and nothing was overwritten.
	 */
	async save(): Promise<Answer<ScheduleChanged> | null> {
		if (this.busy || this.clashes.length > 0 || (!this.dirty && this.id !== null)) return null;
		this.tried = true;
		if (this.preview === null || this.#checked !== JSON.stringify(this.form)) await this.check();
		if (this.problems.length > 0 || this.busy) return null;
		const { engine, profile } = this.#ports;
		const saved = { ...this.form };
		const of = this.id === null ? null : splitScheduleId(this.id);
		this.busy = true;
		const answer =
			of === null
				? await engine.call('schedule.add', {
						profile,
						book: saved.book,
						name: saved.name.trim(),
						...draftOf(saved, this.capabilities),
						...(saved.active ? {} : { inactive: true }),
					})
				: await engine.call('schedule.edit', {
						profile,
						book: of.book,
						name: of.key,
						...editOf(this.start, saved, this.capabilities),
						...(this.#from === null ? {} : { from: this.#from }),
					});
		this.busy = false;
		if (answer.ok) this.#saved(saved, answer.value.schedule);
		return answer;
	}

	/** Back to what it was filled with. */
	discard(): void {
		this.form = { ...this.start };
		this.clashes = [];
		this.taken = [];
		this.tried = false;
		this.touched = new Set();
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
		clearTimeout(this.#timer);
	}

	/** What was typed while it was being saved stays an edit. */
	#saved(saved: ScheduleForm, view: ScheduleView): void {
		this.start = saved;
		this.#from = view.fingerprint;
		this.taken = [];
		this.tried = false;
		this.touched = new Set();
	}
}

/** "1 problem", "3 problems". */
export function problemsWords(count: number): string {
	return count === 1 ? '1 problem' : `${count} problems`;
}
