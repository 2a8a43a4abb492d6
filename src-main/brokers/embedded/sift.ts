/** Going through what waits in the built-in broker, and doing with each row what was decided. */
import type { BrokerMessage, OutgoingMessage } from '../../domain/message.ts';
import { ok, type Result } from '../../domain/result.ts';
import { type Fate, printOf, type Settled, type SiftEnd, type SiftOptions, type WaitingMessage } from '../waiting.ts';
import type { Place, RowFate, WaitingRow } from './protocol.ts';

interface Rows {
	window(after: Place | null, limit: number): Promise<Result<readonly WaitingRow[]>>;
	settle(fates: readonly RowFate[]): Promise<Result<readonly Settled[]>>;
	monotonic(): number;
}

/** A message of the file with its print. */
export function waiting(message: BrokerMessage): WaitingMessage {
	return { ...message, print: printOf(message), entry: null };
}

/** See `BrokerDriver.sift`. Rows are named by their numbers, which are never used again. */
export async function siftRows(options: SiftOptions, rows: Rows): Promise<Result<SiftEnd>> {
	const end = rows.monotonic() + options.deadlineMs;
	let after: Place | null = null;
	let scanned = 0;
	for (;;) {
		if (options.signal.aborted) return ok({ scanned, ended: 'stopped' });
		if (scanned >= options.scanLimit) return ok({ scanned, ended: 'limit' });
		if (scanned > 0 && rows.monotonic() > end) return ok({ scanned, ended: 'deadline' });
		const window = await rows.window(after, Math.min(options.batch, options.scanLimit - scanned));
		if (!window.ok) return window;
		const last = window.value.at(-1);
		if (last === undefined) return ok({ scanned, ended: 'end' });
		const fates = await options.decide(window.value.map(({ message }) => waiting(message)));
		if (fates === null) return ok({ scanned, ended: 'stopped' });
		scanned += window.value.length;
		after = last.place;
		const chosen: RowFate[] = [];
		fates.forEach((fate, at) => {
			const row = window.value[at];
			if (row === undefined || fate.kind === 'leave') return;
			chosen.push({ id: row.place.id, by: replacement(fate) });
		});
		const done = chosen.length === 0 ? ok([]) : await rows.settle(chosen);
		let at = 0;
		await options.settled(
			fates.map((fate): Settled => {
				if (fate.kind === 'leave') return { kind: 'left' };
				if (done.ok) return done.value[at++] ?? { kind: 'gone' };
				return done.error.details?.outcome === 'not-sent'
					? { kind: 'failed', failure: done.error }
					: { kind: 'unknown', failure: done.error };
			}),
		);
		if (!done.ok) return done;
	}
}

/** What takes a row's place, with a body of exactly its own size: a view would be copied to the thread with all it is a view of. */
function replacement(fate: Fate): OutgoingMessage | null {
	switch (fate.kind) {
		case 'replace':
			return { ...fate.by, body: Uint8Array.from(fate.by.body) };
		case 'swap': {
			const { properties, body } = fate.message;
			return { exchange: '', routingKey: fate.queue, properties, body: Uint8Array.from(body) };
		}
		default:
			return null;
	}
}
