/** How views reach the page's state. */
import { getContext, setContext } from 'svelte';
import type { Warren } from '../state/warren.svelte.ts';

const KEY = Symbol('warren');

export function provideWarren(warren: Warren): void {
	setContext(KEY, warren);
}

/** The page's state; only while a component is being made. */
export function useWarren(): Warren {
	return getContext<Warren>(KEY);
}
