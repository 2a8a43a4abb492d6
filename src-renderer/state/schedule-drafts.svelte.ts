/** Unsaved edits of schedules, kept until they are saved or thrown away, whatever else is looked at meanwhile. */
import { SvelteMap } from 'svelte/reactivity';
import type { ScheduleEditor } from './schedule-editor.svelte.ts';
import { NEW_ID } from './schedule-id.ts';

export class ScheduleDrafts {
	readonly #editors = new SvelteMap<string, ScheduleEditor>();

	/** The editor that is kept for a schedule; null: there is none. */
	get(profile: string, id: string): ScheduleEditor | null {
		return this.#editors.get(place(profile, id)) ?? null;
	}

	/** Keeps it, in place of any other of that schedule. */
	keep(profile: string, editor: ScheduleEditor): void {
		this.#editors.set(place(profile, editor.id ?? NEW_ID), editor);
	}

	/** Nobody looks at it any more; one with edits stays. */
	release(profile: string, id: string): void {
		if (this.get(profile, id)?.dirty === false) this.drop(profile, id);
	}

	/** Throws it away, edits and all. */
	drop(profile: string, id: string): void {
		const at = place(profile, id);
		this.#editors.get(at)?.[Symbol.dispose]();
		this.#editors.delete(at);
	}

	/** Ids of schedules with unsaved edits. */
	unsaved(profile: string): readonly string[] {
		const before = place(profile, '');
		return [...this.#editors]
			.filter(([at, editor]) => at.startsWith(before) && editor.dirty)
			.map(([at]) => at.slice(before.length));
	}

	/** Whether any edit of any profile would be lost with the page. */
	get any(): boolean {
		return [...this.#editors.values()].some((editor) => editor.dirty);
	}
}

function place(profile: string, id: string): string {
	return `${profile}\n${id}`;
}
