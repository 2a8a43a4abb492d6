/** A plausible deployment's history, made from a seed: the same seed gives the same tasks. */
import type { HistoryOp } from '#main/domain/task.ts';
import { failed, finished, line, logged, type Made, PROFILE, published, started } from './history.ts';

/** Small random numbers that repeat: mulberry32. */
export function randomFrom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

const NAMES = [
	'shop.tasks.send_mail',
	'shop.tasks.resize_image',
	'shop.orders.charge_card',
	'shop.orders.ship',
	'reports.nightly.rebuild',
	'reports.export_csv',
	'search.index_document',
	'accounts.sync_user',
	'accounts.expire_sessions',
	'billing.invoices.create',
	'billing.invoices.remind',
	'imports.catalog.parse_row',
];
const QUEUES = ['default', 'mail', 'images', 'slow', 'billing'];
const FAILURES = [
	['TimeoutError', 'The payment gateway did not answer within 30 seconds'],
	['ValueError', 'invalid literal for int() with base 10'],
	['KeyError', "'customer_id'"],
	['smtplib.SMTPRecipientsRefused', 'mailbox unavailable'],
	['ConnectionResetError', '[Errno 104] Connection reset by peer'],
] as const;
const CITIES = ['Amsterdam', 'Berlin', 'Lisbon', 'Oslo', 'Vienna', 'Zürich', 'Warsaw', 'Athens'];

/** How many of a thousand end otherwise than well. */
export interface Mix {
	readonly failed: number;
	readonly queued: number;
	readonly running: number;
}

export const MIX: Mix = { failed: 50, queued: 10, running: 2 };

/** The operations of task number `index`, one every 40 ms from `start` on. */
export function taskOps(index: number, random: () => number, start: number, mix: Mix = MIX): readonly HistoryOp[] {
	const at = start + index * 40;
	const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
	const hex = () =>
		Math.floor(random() * 0x1_0000_0000)
			.toString(16)
			.padStart(8, '0');
	const id = `${hex()}-${hex().slice(0, 4)}-4${hex().slice(0, 3)}-8${hex().slice(0, 3)}-${hex()}${hex().slice(0, 4)}`;
	const name = NAMES[Math.floor(random() ** 2 * NAMES.length)] as string;
	const customer = Math.floor(random() * 50_000);
	const made: Made = {
		id,
		name,
		args: [index],
		kwargs: {
			customer: { id: customer, city: pick(CITIES) },
			amount: Math.round(random() * 100_000) / 100,
			email: `customer${customer}@example.org`,
		},
		priority: random() < 0.9 ? 0 : Math.floor(random() * 10),
		publishedAt: at,
		queue: QUEUES[Math.floor(random() ** 3 * QUEUES.length)] as string,
		body: BODY,
	};
	const ops: HistoryOp[] = [published(at, made)];
	const fate = random() * 1_000;
	if (fate < mix.queued) return ops;
	const run = `run-${index}`;
	const begin = at + Math.floor(random() * 5_000);
	ops.push(started(begin, run, { ...made, worker: `worker${Math.floor(random() * 20)}:1:set` }));
	if (fate < mix.queued + mix.running) return ops;
	const runtime = Math.round(random() ** 4 * 60_000 * 10) / 10;
	if (fate < mix.queued + mix.running + mix.failed) {
		const [type, words] = pick(FAILURES);
		ops.push(logged(run, [line(begin, `working on ${customer}`), line(begin, words, { level: 'error' })], 0));
		ops.push(finished(begin + Math.ceil(runtime), run, failed(type, `${words} (order ${index})`), runtime));
	} else {
		ops.push(finished(begin + Math.ceil(runtime), run, { state: 'succeeded', result: null }, runtime));
	}
	return ops;
}

const BODY = new TextEncoder().encode('{"args": [], "kwargs": {}}');

/** Operations of tasks `from` to `to` in batches, ready to apply. */
export function* deployment(from: number, to: number, seed = 1, batch = 1_000): Generator<readonly HistoryOp[]> {
	const random = randomFrom(seed + from);
	let ops: HistoryOp[] = [];
	for (let index = from; index < to; index += 1) {
		ops.push(...taskOps(index, random, START));
		if (ops.length < batch) continue;
		yield ops;
		ops = [];
	}
	if (ops.length > 0) yield ops;
}

/** When the first task was published. */
export const START = Date.UTC(2026, 9, 1);
export { PROFILE };
