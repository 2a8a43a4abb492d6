/** What may be typed next in a query's field: asked while one types, chosen with the arrow keys, taken with Enter or Tab. */
import { tick } from 'svelte';
import type { QuerySuggestion, QuerySuggestions } from '#main/domain/query-suggest.ts';

/** Says what may be typed at a place; null: nothing to say. */
export type Suggest = (text: string, at: number) => Promise<QuerySuggestions | null>;

/** The field that suggestions are for; read whenever it is needed. */
export interface SuggestedField {
	/** Of the page's own; the list and its items are named after it. */
	readonly id: string;
	readonly input: HTMLInputElement | undefined;
	readonly text: string;
	/** Undefined: there are no suggestions. */
	readonly suggest: Suggest | undefined;
	/** A suggestion was taken: this is the text now. */
	put(text: string): void;
}

export class Suggestions {
	offered: QuerySuggestions | null = $state.raw(null);
	/** Place in the list; -1: Enter is for the field itself. */
	chosen = $state(-1);
	readonly #field: SuggestedField;
	#asked = 0;
	#waiting: ReturnType<typeof setTimeout> | undefined;

	constructor(field: SuggestedField) {
		this.#field = field;
	}

	get items(): readonly QuerySuggestion[] {
		return this.offered?.items ?? [];
	}

	get open(): boolean {
		return this.items.length > 0;
	}

	get listId(): string {
		return `${this.#field.id}-list`;
	}

	itemId(at: number): string {
		return `${this.#field.id}-item-${at}`;
	}

	/** What the input says of itself to screen readers. */
	get attributes() {
		if (this.#field.suggest === undefined) return {};
		return {
			role: 'combobox',
			'aria-expanded': this.open,
			'aria-controls': this.listId,
			'aria-autocomplete': 'list',
			'aria-activedescendant': this.chosen < 0 ? undefined : this.itemId(this.chosen),
		} as const;
	}

	close(): void {
		this.#asked += 1;
		clearTimeout(this.#waiting);
		this.offered = null;
		this.chosen = -1;
	}

	/** The text was changed by hand. */
	typed(): void {
		// Whoever empties it wants to see all again, not the list that would lie over it; an arrow key still asks.
		if (this.#field.text === '') this.close();
		else this.#askSoon();
	}

	/** The caret was put elsewhere. */
	moved(): void {
		if (this.open) this.#askSoon();
	}

	/** Whether the key was for the list. */
	key(event: KeyboardEvent): boolean {
		if (this.#field.suggest === undefined || event.isComposing) return false;
		if (!this.open) {
			if (event.key !== 'ArrowDown') return false;
			void this.#ask();
			return true;
		}
		const last = this.items.length - 1;
		if (event.key === 'ArrowDown') this.chosen = this.chosen >= last ? -1 : this.chosen + 1;
		else if (event.key === 'ArrowUp') this.chosen = this.chosen < 0 ? last : this.chosen - 1;
		else if (event.key === 'Escape') this.close();
		else if (event.key === 'Enter' || event.key === 'Tab') {
			const item = this.items[this.chosen];
			if (item === undefined || event.shiftKey) {
				this.close();
				return false;
			}
			void this.take(item);
		} else return false;
		void tick().then(() => document.getElementById(this.itemId(this.chosen))?.scrollIntoView({ block: 'nearest' }));
		return true;
	}

	/** Puts a suggestion where it belongs, and the caret behind it. */
	async take(item: QuerySuggestion): Promise<void> {
		const { input, text } = this.#field;
		if (this.offered === null || input === undefined) return;
		const { start, end } = this.offered;
		const after = text.slice(end);
		const space = item.open || /^[\s),]/.test(after) ? '' : ' ';
		this.close();
		this.#field.put(`${text.slice(0, start)}${item.text}${space}${after}`);
		await tick();
		const caret = start + item.text.length + space.length;
		input.focus();
		input.setSelectionRange(caret, caret);
		void this.#ask();
	}

	#askSoon(): void {
		if (this.#field.suggest === undefined) return;
		clearTimeout(this.#waiting);
		this.#waiting = setTimeout(() => void this.#ask(), 60);
	}

	/** Asks what may stand at the caret; only the newest answer counts. */
	async #ask(): Promise<void> {
		const { suggest, input, text } = this.#field;
		if (suggest === undefined || input === undefined) return;
		this.#asked += 1;
		const mine = this.#asked;
		const answer = await suggest(text, input.selectionStart ?? text.length);
		if (mine !== this.#asked || text !== this.#field.text) return;
		const done = (item: QuerySuggestion) =>
			!item.open && answer !== null && text.slice(answer.start, answer.end) === item.text;
		// Where all that could be offered stands there already, there is nothing to offer.
		this.offered = answer === null || answer.items.every(done) ? null : answer;
		this.chosen = -1;
	}
}
