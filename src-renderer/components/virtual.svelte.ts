/** @tanstack/virtual-core under runes: rows of unequal height, measured as they appear. */
import {
	elementScroll,
	observeElementOffset,
	observeElementRect,
	type VirtualItem,
	Virtualizer,
} from '@tanstack/virtual-core';
import { untrack } from 'svelte';

/** What a windowed list of measured rows needs to know. */
export interface VirtualOptions {
	readonly count: number;
	/** A guess in px, until a row has been measured. */
	readonly estimate: number;
	readonly key: (index: number) => string | number;
	readonly scroller: () => HTMLElement | null;
}

/** The rows in sight and how to move among them. */
export interface Virtual {
	/** Rows to draw, each with its place. */
	readonly items: readonly VirtualItem[];
	/** Height of all rows together, in px. */
	readonly height: number;
	scrollTo(index: number, align: 'start' | 'center' | 'end' | 'auto'): void;
	scrollToEnd(): void;
	/** Forgets measured heights, after the width or the wrapping has changed. */
	remeasure(): void;
	/** An attachment for each row's element, which carries its index in `data-index`. */
	readonly measure: (row: HTMLElement) => () => void;
}

/** Builds the window; call it while a component is set up. `options` is read reactively. */
export function createVirtual(options: () => VirtualOptions): Virtual {
	let version = $state(0);
	const virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
		count: 0,
		estimateSize: () => 20,
		getScrollElement: () => null,
		observeElementRect,
		observeElementOffset,
		scrollToFn: elementScroll,
	});

	$effect.pre(() => {
		const { count, estimate, key, scroller } = options();
		virtualizer.setOptions({
			count,
			overscan: 10,
			estimateSize: () => estimate,
			getItemKey: key,
			getScrollElement: scroller,
			scrollToFn: elementScroll,
			observeElementOffset,
			// A list without a size (hidden, or a test's page without layout) shows what a small window would.
			observeElementRect: (instance, tell) =>
				observeElementRect(instance, (rect) => tell(rect.height > 0 ? rect : { width: rect.width, height: 400 })),
			initialRect: { width: 0, height: 400 },
			onChange: () => {
				version += 1;
			},
		});
		untrack(() => {
			version += 1;
		});
	});
	$effect(() => virtualizer._didMount());
	$effect(() => {
		options();
		virtualizer._willUpdate();
	});

	return {
		get items() {
			void version;
			return virtualizer.getVirtualItems();
		},
		get height() {
			void version;
			return virtualizer.getTotalSize();
		},
		scrollTo: (index, align) => virtualizer.scrollToIndex(index, { align }),
		scrollToEnd: () => {
			const last = virtualizer.options.count - 1;
			if (last >= 0) virtualizer.scrollToIndex(last, { align: 'end' });
		},
		remeasure: () => virtualizer.measure(),
		measure: (row) => {
			virtualizer.measureElement(row);
			return () => virtualizer.measureElement(null);
		},
	};
}
