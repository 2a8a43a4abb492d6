/**
 * A clock for simulations of a year: timers in a heap, a wall clock that can be set, and time that passes without anything running.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#main/domain/clock.ts';
import { KeyedHeap } from '#main/scheduler/heap.ts';

interface Timer {
	readonly key: string;
	readonly at: number;
	readonly order: number;
	readonly callback: () => void;
}

export interface YearClock extends Clock {
	/** Runs timers up to so much later, one at a time; `after` is called behind each of them. */
	run(ms: number, after: () => void): Promise<void>;
	/** Sets the wall clock by so much. A machine that slept looks the same to the process. */
	setBy(ms: number): void;
	/** Lets time pass while nothing runs: the process was stopped. */
	stallFor(ms: number): void;
}

export function yearClock(start: number): YearClock {
	const timers = new KeyedHeap<Timer>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
	let monotonic = 0;
	let shift = start;
	let orders = 0;
	return {
		now: () => monotonic + shift,
		monotonic: () => monotonic,
		after(ms, callback) {
			orders += 1;
			const key = String(orders);
			timers.put({ key, at: monotonic + ms, order: orders, callback });
			return { [Symbol.dispose]: () => void timers.remove(key) };
		},
		async run(ms, after) {
			const end = monotonic + ms;
			await turns();
			for (let first = timers.peek(); first !== null && first.at <= end; first = timers.peek()) {
				timers.pop();
				monotonic = Math.max(monotonic, first.at);
				first.callback();
				await turns();
				after();
			}
			monotonic = end;
		},
		setBy(ms) {
			shift += ms;
		},
		stallFor(ms) {
			monotonic += ms;
		},
	};
}

/** What was asked for is answered, and a keeper that takes a book in has its turns. */
async function turns(): Promise<void> {
	for (let turn = 0; turn < 3; turn += 1) await nextTurn();
}
