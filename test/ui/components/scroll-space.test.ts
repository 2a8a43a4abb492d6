import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	cornered,
	offsetShowing,
	placeAt,
	rowsInSight,
	type ScrollPlace,
	scrolledTo,
	scrollSpace,
	settled,
	TALLEST,
} from '../../../src-renderer/components/scroll-space.ts';
import { RUNS } from './runs.ts';

const huge = fc.record({
	count: fc.integer({ min: 300_000, max: 50_000_000 }),
	rowHeight: fc.constantFrom(30, 52),
	viewport: fc.integer({ min: 120, max: 3000 }),
});

/** What the component does with one scroll event. */
function scroll(top: number, from: ScrollPlace, space: ReturnType<typeof scrollSpace>): ScrollPlace {
	const next = scrolledTo(top, from, space);
	return cornered(next, space) ? (settled(next, space) ?? next) : next;
}

describe('the scroll space of a list', () => {
	it('is the rows themselves while a browser can be that tall', () => {
		const space = scrollSpace(1_000, 30, 600);
		expect(space.physical).toBe(30_000);
		expect(scrolledTo(123, { top: 0, offset: 0 }, space)).toEqual({ top: 123, offset: 123 });
		expect(settled({ top: 5_000, offset: 5_000 }, space)).toBeNull();
	});

	it('is never taller than the cap, and both its ends are the ends of the list', () => {
		fc.assert(
			fc.property(huge, ({ count, rowHeight, viewport }) => {
				const space = scrollSpace(count, rowHeight, viewport);
				expect(space.physical).toBeLessThanOrEqual(TALLEST);
				expect(placeAt(0, space)).toEqual({ top: 0, offset: 0 });
				const end = placeAt(Number.MAX_SAFE_INTEGER, space);
				expect(end).toEqual({ top: space.physical - viewport, offset: space.virtual - viewport });
				const dragged = scrolledTo(space.physical - viewport, { top: 0, offset: 0 }, space);
				expect(rowsInSight(dragged.offset, viewport, rowHeight, count, 0).end).toBe(count);
			}),
			{ numRuns: RUNS },
		);
	});

	it('moves by the pixels that the wheel turned, however long the list', () => {
		fc.assert(
			fc.property(
				huge,
				fc.double({ min: 0, max: 1, noNaN: true }),
				fc.integer({ min: -300, max: 300 }),
				(size, share, step) => {
					const space = scrollSpace(size.count, size.rowHeight, size.viewport);
					const from = placeAt(share * space.virtual, space);
					const wheel = Math.abs(step) > size.viewport ? Math.sign(step) * size.viewport : step;
					const top = Math.max(0, Math.min(from.top + wheel, space.physical - size.viewport));
					const next = scrolledTo(top, from, space);
					const moved = next.offset - from.offset;
					const free = from.offset + (top - from.top);
					const expected = Math.max(0, Math.min(free, space.virtual - size.viewport)) - from.offset;
					// At either end the last pixel goes to the end itself.
					const atEnd = top <= 0 || top >= space.physical - size.viewport;
					expect(Math.abs(moved - expected)).toBeLessThanOrEqual(atEnd ? 1 : 0);
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('lets the wheel reach both ends, a turn at a time', () => {
		const space = scrollSpace(300_000, 30, 600);
		for (const direction of [1, -1]) {
			let place = placeAt(direction === 1 ? space.virtual - 90_000 : 90_000, space);
			// Stand in a corner of the physical space that does not match the place in the list.
			place = { top: direction === 1 ? space.physical - 1_500 : 1_500, offset: place.offset };
			for (let turn = 0; turn < 2_000; turn++) {
				const top = Math.max(0, Math.min(place.top + direction * 100, space.physical - 600));
				if (top === place.top) break;
				place = scroll(top, place, space);
			}
			expect(place.offset).toBe(direction === 1 ? space.virtual - 600 : 0);
		}
	});

	it('reaches both ends with a resting wheel as well, in as many turns as the way is long', () => {
		const space = scrollSpace(1_000_000, 30, 600);
		for (const direction of [1, -1]) {
			let place = placeAt(direction === 1 ? space.virtual - 600 - 1_000 : 1_000, space);
			for (let turn = 0; turn < 10; turn++) {
				place = scroll(Math.max(0, Math.min(place.top + direction * 100, space.physical - 600)), place, space);
				place = settled(place, space) ?? place;
			}
			expect(place.offset).toBe(direction === 1 ? space.virtual - 600 : 0);
		}
	});

	it('shows the same rows after it has settled', () => {
		fc.assert(
			fc.property(huge, fc.nat(TALLEST), fc.double({ min: 0, max: 1, noNaN: true }), (size, top, share) => {
				const space = scrollSpace(size.count, size.rowHeight, size.viewport);
				const place = {
					top: Math.min(top, space.physical - size.viewport),
					offset: Math.floor(share * (space.virtual - size.viewport)),
				};
				const next = settled(place, space) ?? place;
				expect(next.offset).toBe(place.offset);
				expect(settled(next, space)).toBeNull();
			}),
			{ numRuns: RUNS },
		);
	});

	it('keeps every window inside the list', () => {
		fc.assert(
			fc.property(
				fc.nat(1_000),
				fc.double({ min: 0, max: 40_000, noNaN: true }),
				fc.integer({ min: 1, max: 900 }),
				(count, offset, viewport) => {
					const { start, end } = rowsInSight(offset, viewport, 30, count, 6);
					expect(start).toBeGreaterThanOrEqual(0);
					expect(end).toBeLessThanOrEqual(count);
					expect(start).toBeLessThanOrEqual(end);
					expect(end - start).toBeLessThanOrEqual(Math.ceil(viewport / 30) + 1 + 12);
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('brings a row into sight with the least movement', () => {
		expect(offsetShowing(10, 0, 600, 30)).toBe(0);
		expect(offsetShowing(20, 0, 600, 30)).toBe(30);
		expect(offsetShowing(3, 300, 600, 30)).toBe(90);
	});
});
