/**
 * What does not fit between a site's rows, its broker and its schedules. Pure: it gets what was read and when, and answers with findings
 * that name their numbers, and with the questions it could not answer and what would.
 *
 * Everything it compares was read at different moments while the site went on working. So rows younger than a grace time are left
 * out, counts only ever prove "at least so many", and what could pass by itself is called likely, never certain.
 */
import { queueOfRow } from '#main/dialects/carrot/row-message.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import type {
	SiteBlindSpot,
	SiteFact,
	SiteFinding,
	SiteReconciliation,
	SiteRow,
	SiteSchedule,
} from '#main/domain/site.ts';
import { judgeSchedules, type ScheduleRun } from './schedules.ts';

export interface ReconcileInput {
	/** Epoch ms. */
	readonly now: number;
	/** The list of rows that wait or run; null: it could not be read. */
	readonly rows: { readonly items: readonly SiteRow[]; readonly complete: boolean; readonly at: number } | null;
	/** uuids of rows that ended lately, as far as they were read: their messages are no strangers. */
	readonly ended: ReadonlySet<string>;
	/** Figures of the queues concerned; null: no broker. */
	readonly queues: readonly QueueFigures[] | null;
	/** The same, read before the rows: what both agree on did not just pass by. */
	readonly queuesBefore?: readonly QueueFigures[] | null;
	/** Ids of waiting messages by queue, where somebody looked. Look before the rows are read. */
	readonly peeked: ReadonlyMap<
		string,
		{ readonly ids: readonly string[]; readonly complete: boolean; readonly at: number }
	>;
	/** Consumers that a queue should have, by queue: told by a person, or the most that were ever seen. */
	readonly expected: ReadonlyMap<
		string,
		{ readonly count: number; readonly source: 'person' | 'warren'; readonly at: number }
	>;
	/** Warren's own part in it: messages that its consumers run now, and its consumers by queue. */
	readonly own: { readonly running: ReadonlySet<string>; readonly consumers: ReadonlyMap<string, number> };
	/** The schedules and when each was first seen in force; null: they could not be read. */
	readonly schedules: {
		readonly items: readonly SiteSchedule[];
		readonly since: ReadonlyMap<number, number>;
		readonly at: number;
	} | null;
	/** Rows that schedules may have made, newest known. */
	readonly runs: readonly ScheduleRun[];
}

/** Rows younger than this may still be on their way. carrot's own consumers give a row 5 s to appear. */
const GRACE_MS = 15_000;
const SHOWN = 100;

/** Compares everything with everything. */
export function reconcile(input: ReconcileInput): SiteReconciliation {
	const findings: SiteFinding[] = [];
	const cannotTell: SiteBlindSpot[] = [];
	const add = (found: SiteFinding | SiteBlindSpot | null): void => {
		if (found === null) return;
		if ('reason' in found) cannotTell.push(found);
		else findings.push(found);
	};
	const figures = new Map((input.queues ?? []).map((one) => [one.name, one]));
	const rows = input.rows?.items ?? [];
	const names = [
		...new Set([...rows.flatMap((row) => queueOfRow(row) ?? []), ...figures.keys(), ...input.expected.keys()]),
	];
	if (input.rows === null) {
		const cure = 'Make the monitor reachable, then try again.';
		const reason = "The site's rows could not be read.";
		for (const kind of ['rows-without-messages', 'messages-without-rows', 'running-without-consumer'] as const) {
			add({ kind, queue: null, reason, cure });
		}
	} else {
		for (const queue of names.toSorted()) {
			const part: Part = {
				input,
				queue,
				rows: rows.filter((row) => queueOfRow(row) === queue),
				rowsAt: input.rows.at,
				complete: input.rows.complete,
				figures: figures.get(queue) ?? null,
				readyBefore: input.queuesBefore?.find((one) => one.name === queue)?.ready ?? null,
			};
			add(rowsWithoutMessages(part));
			add(messagesWithoutRows(part));
			add(runningWithoutConsumer(part));
		}
		const elsewhere = rows.filter((row) => queueOfRow(row) === null);
		if (elsewhere.length > 0) {
			add({
				kind: 'rows-without-messages',
				queue: null,
				reason: `${count(elsewhere.length, 'row was', 'rows were')} published through an exchange of the site's own: which queue got the message, the row does not say.`,
				cure: 'Look at the queues behind that exchange.',
			});
		}
	}
	for (const queue of names.toSorted()) add(fewerConsumers(input, queue, figures.get(queue) ?? null));
	const judged = judgeSchedules(input.schedules, input.runs, input.now);
	findings.push(...judged.findings);
	cannotTell.push(...judged.cannotTell);
	return { at: input.now, findings, cannotTell };
}

interface Part {
	readonly input: ReconcileInput;
	readonly queue: string;
	/** Rows whose message belongs to this queue. */
	readonly rows: readonly SiteRow[];
	readonly rowsAt: number;
	readonly complete: boolean;
	readonly figures: QueueFigures | null;
	readonly readyBefore: number | null;
}

function fact(
	label: string,
	value: number,
	at: number,
	source: SiteFact['source'],
	unit: SiteFact['unit'] = 'count',
): SiteFact {
	return { label, value, unit, at, source };
}

function shown(rows: readonly SiteRow[]): SiteFinding['rows'] {
	return rows.slice(0, SHOWN).map(({ id, uuid }) => ({ id, uuid }));
}

function count(number: number, one: string, many: string): string {
	return `${number} ${number === 1 ? one : many}`;
}

const LOST_CAUSE =
	'The message was published before its queue existed, was lost with a restart of the broker (carrot sends transient messages), expired, or was purged. Nothing will ever run these rows.';

function rowsWithoutMessages(part: Part): SiteFinding | SiteBlindSpot | null {
	const { queue, figures, input } = part;
	const kind = 'rows-without-messages';
	const peek = input.peeked.get(queue);
	const before = Math.min(part.rowsAt, peek?.at ?? figures?.at ?? part.rowsAt) - GRACE_MS;
	const waiting = part.rows.filter(
		(row) => row.status === 'PUBLISHED' && (row.publishedAt ?? 0) < before && !input.own.running.has(row.uuid),
	);
	if (waiting.length === 0) return null;
	const evidence = [fact('rows that wait', waiting.length, part.rowsAt, 'site')];
	const finding = (
		certainty: SiteFinding['certainty'],
		number: number,
		lost: readonly SiteRow[],
		more: readonly SiteFact[],
	): SiteFinding => ({
		kind,
		certainty,
		title: `${count(number, 'row waits', 'rows wait')} for a message that is not in ${queue}`,
		queue,
		count: number,
		rows: shown(lost),
		messages: [],
		evidence: [...evidence, ...more],
		cause: LOST_CAUSE,
		next:
			lost.length > 0
				? 'Requeue these rows: each gets a new message.'
				: 'Look into the queue (with --peek) to learn which rows these are, then requeue them.',
	});
	if (figures === null) {
		return blind(kind, queue, 'How many messages wait is not known.', "Set the profile's broker address.");
	}
	if (!figures.exists)
		return finding('certain', waiting.length, waiting, [fact('the queue exists (0: no)', 0, figures.at, 'broker')]);
	if (peek?.complete === true) {
		const ids = new Set(peek.ids);
		const lost = waiting.filter((row) => !ids.has(row.uuid));
		if (lost.length === 0) return null;
		const hands = figures.unacked ?? figures.consumers;
		const certain = hands !== null && lost.length > hands;
		return finding(certain ? 'certain' : 'likely', lost.length, lost, [
			fact('messages seen in the queue', peek.ids.length, peek.at, 'broker'),
			...(hands === null ? [] : [fact('messages that workers may hold', hands, figures.at, 'broker')]),
		]);
	}
	if (figures.ready === null)
		return blind(kind, queue, 'The broker does not say how many messages wait.', 'Look into the queue with --peek.');
	// Each consumer holds one message at most, whose row may not say so yet.
	const held = figures.unacked ?? figures.consumers ?? 0;
	const ready = Math.max(figures.ready, part.readyBefore ?? 0);
	const missing = waiting.length - ready - held;
	if (missing <= 0) return null;
	return finding(
		'likely',
		missing,
		[],
		[
			fact('messages that wait', ready, figures.at, 'broker'),
			fact('messages that workers may hold', held, figures.at, 'broker'),
		],
	);
}

function messagesWithoutRows(part: Part): SiteFinding | SiteBlindSpot | null {
	const { queue, figures, input } = part;
	const kind = 'messages-without-rows';
	const finding = (
		certainty: SiteFinding['certainty'],
		number: number,
		messages: readonly string[],
		evidence: readonly SiteFact[],
	): SiteFinding => ({
		kind,
		certainty,
		title: `${count(number, 'message in', 'messages in')} ${queue} ${number === 1 ? 'has' : 'have'} no row`,
		queue,
		count: number,
		rows: [],
		messages: messages.slice(0, SHOWN),
		evidence,
		cause:
			'Their rows were deleted or requeued while the messages stayed, or they were published without a row. Each stalls one worker of the site for 5 seconds or more and is then thrown away; a consumer of Warren runs them.',
		next:
			messages.length > 0
				? 'Remove these messages from the queue, or let a consumer of Warren run them.'
				: 'Look into the queue (with --peek) to learn which messages these are.',
	});
	if (figures === null)
		return part.rows.length === 0
			? null
			: blind(kind, queue, 'Which messages wait is not known.', "Set the profile's broker address.");
	if (!figures.exists || figures.ready === 0) return null;
	if (!part.complete) {
		return blind(
			kind,
			queue,
			'There are more rows than were read, so a message without a row cannot be told from one whose row was not read.',
			'Fewer waiting rows, or the database door.',
		);
	}
	const known = new Set([...part.rows.map((row) => row.uuid), ...input.ended, ...input.own.running]);
	const rowsFact = fact('rows that wait or run', part.rows.length, part.rowsAt, 'site');
	const peek = input.peeked.get(queue);
	if (peek !== undefined) {
		if (peek.at > part.rowsAt)
			return blind(kind, queue, 'The look into the queue came after the rows were read.', 'Try again.');
		const orphans = peek.ids.filter((id) => !known.has(id));
		if (orphans.length === 0) return null;
		// Without consumers nothing can have been taken and ended between the look and the rows.
		return finding(figures.consumers === 0 ? 'certain' : 'likely', orphans.length, orphans, [
			fact('messages seen in the queue', peek.ids.length, peek.at, 'broker'),
			rowsFact,
		]);
	}
	if (figures.ready === null)
		return blind(kind, queue, 'The broker does not say how many messages wait.', 'Look into the queue with --peek.');
	const waiting = part.rows.filter((row) => row.status === 'PUBLISHED').length;
	// Messages of rows in progress are handed out, unless their worker died and the broker took them back.
	const possible = part.rows.length;
	const ready = Math.min(figures.ready, part.readyBefore ?? figures.ready);
	const surplus = ready - possible;
	if (surplus <= 0) return null;
	return finding(
		'likely',
		surplus,
		[],
		[
			fact('messages that wait', ready, figures.at, 'broker'),
			fact('rows that wait', waiting, part.rowsAt, 'site'),
			rowsFact,
		],
	);
}

function runningWithoutConsumer(part: Part): SiteFinding | SiteBlindSpot | null {
	const { queue, figures, input } = part;
	const kind = 'running-without-consumer';
	const running = part.rows.filter((row) => row.status === 'IN_PROGRESS' && !input.own.running.has(row.uuid));
	if (running.length === 0) return null;
	if (figures === null)
		return blind(kind, queue, 'Whether somebody runs these rows is not known.', "Set the profile's broker address.");
	const own = input.own.consumers.get(queue) ?? 0;
	const ownRuns = part.rows.filter((row) => input.own.running.has(row.uuid)).length;
	const consumers = figures.consumers === null ? null : Math.max(0, figures.consumers - own);
	const unacked = figures.unacked === null ? null : Math.max(0, figures.unacked - ownRuns);
	// A worker of carrot runs one task at a time and holds its message all the while.
	const hands = unacked ?? consumers;
	const evidence = [
		fact('rows in progress', running.length, part.rowsAt, 'site'),
		...(unacked === null ? [] : [fact('messages handed out and not acknowledged', unacked, figures.at, 'broker')]),
		...(consumers === null ? [] : [fact('consumers of the site', consumers, figures.at, 'broker')]),
	];
	if (hands === null)
		return blind(
			kind,
			queue,
			'The broker does not say how many messages are handed out.',
			'Set the management address.',
		);
	const suspects = running.length - hands;
	if (suspects <= 0) {
		if (unacked !== null) return null;
		return blind(
			kind,
			queue,
			`${count(running.length, 'row is', 'rows are')} in progress and ${count(hands, 'consumer is', 'consumers are')} there; whether they hold messages, the broker does not say over AMQP.`,
			'Set the management address.',
		);
	}
	return {
		kind,
		certainty: 'likely',
		title: `${count(suspects, 'row is', 'rows are')} in progress in ${queue} with nobody to run ${suspects === 1 ? 'it' : 'them'}`,
		queue,
		count: suspects,
		rows: hands === 0 ? shown(running) : [],
		messages: [],
		evidence,
		cause:
			'The worker died while it ran (its row is never moved on), or it runs longer than about 150 seconds and the broker has taken its message back, in which case it still ends well.',
		next: "Look at the service's process and log. Requeue such a row only when its worker is gone, since it would run twice otherwise.",
	};
}

function fewerConsumers(
	input: ReconcileInput,
	queue: string,
	figures: QueueFigures | null,
): SiteFinding | SiteBlindSpot | null {
	const kind = 'fewer-consumers';
	const expected = input.expected.get(queue);
	if (expected === undefined) {
		return blind(
			kind,
			queue,
			"How many consumers are configured stands in the site's settings, which its API does not show.",
			`Say it: --expect ${queue}=N.`,
		);
	}
	if (figures === null || (figures.exists && figures.consumers === null)) {
		return blind(kind, queue, 'How many consumers there are is not known.', "Set the profile's broker address.");
	}
	const there = figures.exists ? Math.max(0, (figures.consumers ?? 0) - (input.own.consumers.get(queue) ?? 0)) : 0;
	const missing = expected.count - there;
	if (missing <= 0) return null;
	return {
		kind,
		certainty: expected.source === 'person' ? 'certain' : 'likely',
		title: `${queue} has ${count(there, 'consumer', 'consumers')} of ${expected.count}`,
		queue,
		count: missing,
		rows: [],
		messages: [],
		evidence: [
			fact('consumers of the site', there, figures.at, 'broker'),
			fact(
				expected.source === 'person' ? 'consumers configured' : 'most consumers seen',
				expected.count,
				expected.at,
				expected.source,
			),
		],
		cause:
			there === 0
				? 'The service is not running, or it lost the broker for more than a few seconds: its threads end then, while the process lives on and says it runs.'
				: 'Threads of the service died: of a message they could not take, of a database error, or of a broker that was away.',
		next: 'Restart the service (carrot_daemon restart). Its log tells what ended the threads.',
	};
}

function blind(kind: SiteBlindSpot['kind'], queue: string, reason: string, cure: string): SiteBlindSpot {
	return { kind, queue, reason, cure };
}
