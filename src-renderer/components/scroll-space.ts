/**
 * Scrolling through more rows than a browser can be tall. Browsers cap an element's height (Chromium near 33 million px,
 * Firefox near 17), so a long list scrolls in a shorter physical space: small steps move the list by as many pixels as the
 * wheel turned, long jumps (the scroll bar's thumb) go by proportion, and `settled` brings the two back together at rest.
 */

/** No element is made taller than this, in px. */
export const TALLEST = 8_000_000;

/** The extents of one list, in px. */
export interface ScrollSpace {
	/** All rows together. */
	readonly virtual: number;
	/** What the browser is given to scroll; never more than `TALLEST`. */
	readonly physical: number;
	/** Height of the part in sight. */
	readonly viewport: number;
}

/** Where a list stands: `top` in the physical space, `offset` in the virtual one. */
export interface ScrollPlace {
	readonly top: number;
	readonly offset: number;
}

/** The extents for rows of one height. */
export function scrollSpace(count: number, rowHeight: number, viewport: number): ScrollSpace {
	const virtual = count * rowHeight;
	return { virtual, physical: Math.min(virtual, TALLEST), viewport };
}

/** Whether one physical pixel is one virtual pixel. */
export function unscaled(space: ScrollSpace): boolean {
	return space.physical === space.virtual;
}

function clamp(value: number, most: number): number {
	return Math.max(0, Math.min(value, Math.max(0, most)));
}

/**
 * How far from either end a pixel is a pixel, so that the last rows are reached as in a short list: were it all by
 * proportion, the physical space would run out under the wheel just before the end, again and again.
 */
const END_ZONE = 100_000;

function extents(space: ScrollSpace): { readonly lowest: number; readonly farthest: number; readonly zone: number } {
	const lowest = space.physical - space.viewport;
	return { lowest, farthest: space.virtual - space.viewport, zone: Math.min(END_ZONE, lowest / 4) };
}

/** The place at an offset: by proportion in the middle, pixel by pixel near both ends. */
export function placeAt(offset: number, space: ScrollSpace): ScrollPlace {
	const { lowest, farthest, zone } = extents(space);
	const at = Math.round(clamp(offset, farthest));
	if (unscaled(space) || farthest <= 0 || at <= zone) return { top: at, offset: at };
	if (farthest - at <= zone) return { top: lowest - (farthest - at), offset: at };
	return { top: Math.round(zone + ((at - zone) / (farthest - 2 * zone)) * (lowest - 2 * zone)), offset: at };
}

/** The offset that belongs to a place of the scroll bar. */
function offsetAt(top: number, space: ScrollSpace): number {
	const { lowest, farthest, zone } = extents(space);
	if (top <= zone) return clamp(top, farthest);
	if (lowest - top <= zone) return clamp(farthest - (lowest - top), farthest);
	return Math.round(zone + ((top - zone) / (lowest - 2 * zone)) * (farthest - 2 * zone));
}

/** The place after the browser scrolled to `top`. */
export function scrolledTo(top: number, from: ScrollPlace, space: ScrollSpace): ScrollPlace {
	if (unscaled(space)) return { top, offset: top };
	const step = top - from.top;
	const lowest = space.physical - space.viewport;
	const farthest = space.virtual - space.viewport;
	if (Math.abs(step) <= space.viewport * 2) {
		const offset = clamp(from.offset + step, farthest);
		// Rounding may leave a pixel at either end; an end is an end.
		if (top <= 0 && offset <= 1) return { top, offset: 0 };
		if (top >= lowest && farthest - offset <= 1) return { top, offset: farthest };
		return { top, offset };
	}
	return { top, offset: offsetAt(top, space) };
}

/**
 * Where the browser should stand for the offset shown, when at rest or at an end of the physical space; null: it is
 * there already. Moving there changes nothing to see.
 */
export function settled(place: ScrollPlace, space: ScrollSpace): ScrollPlace | null {
	if (unscaled(space)) return null;
	const target = placeAt(place.offset, space);
	return Math.abs(target.top - place.top) < 1 ? null : { top: target.top, offset: place.offset };
}

/** Whether the browser has run out of physical space in some direction while rows are left there. */
export function cornered(place: ScrollPlace, space: ScrollSpace): boolean {
	if (unscaled(space)) return false;
	const left = space.physical - space.viewport - place.top;
	const rowsLeft = space.virtual - space.viewport - place.offset;
	return (place.top < space.viewport && place.offset > place.top + 1) || (left < space.viewport && rowsLeft > left + 1);
}

/** The rows in sight, end excluded, with `overscan` more on either side. */
export function rowsInSight(
	offset: number,
	viewport: number,
	rowHeight: number,
	count: number,
	overscan: number,
): { readonly start: number; readonly end: number } {
	const start = Math.max(0, Math.floor(offset / rowHeight) - overscan);
	const end = Math.min(count, Math.ceil((offset + viewport) / rowHeight) + overscan);
	return { start: Math.min(start, end), end };
}

/** The offset that brings a row into sight with the least movement; the present one when it is in sight already. */
export function offsetShowing(index: number, offset: number, viewport: number, rowHeight: number): number {
	const top = index * rowHeight;
	if (top < offset) return top;
	if (top + rowHeight > offset + viewport) return top + rowHeight - viewport;
	return offset;
}
