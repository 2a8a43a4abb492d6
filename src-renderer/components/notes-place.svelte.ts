/**
 * Where notes are shown: in the topmost dialog, since a modal one keeps the keyboard, and screen readers, inside itself. A note outside of it
 * would be seen and could not be reached.
 */

import { untrack } from 'svelte';

let places: readonly HTMLElement[] = $state.raw([]);

/** An attachment for what is modal, as long as it is there. */
export function holdsNotes(element: HTMLElement): () => void {
	// An attachment runs again when what it has read changes.
	untrack(() => {
		places = [...places, element];
	});
	return () => {
		places = places.filter((place) => place !== element);
	};
}

/** The topmost of them; undefined: nothing modal is open. */
export function notesPlace(): HTMLElement | undefined {
	return places.at(-1);
}
