/** Asking Celery's workers, and telling them: one mailbox per profile, made when first needed and closed when idle. */
import { randomUUID } from 'node:crypto';
import { createMailbox } from '#main/brokers/connect.ts';
import type { Letter, Mailbox } from '#main/brokers/mailbox.ts';
import { controlExchanges, readControlReply, writeControlRequest } from '#main/dialects/celery/control.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { BadEventView } from '#main/domain/monitor.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ControlOutcome, ControlSummary, NodeAnswers } from '#main/domain/worker-control.ts';
import { ControlRound, type KnownNodes } from '#main/monitor/celery/control-round.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { celeryOf } from './celery-settings.ts';
import { driverContext } from './deployments.ts';
import type { Ports } from './ports.ts';

/** How long a broker may take to be reached, in ms. */
const REACH_MS = 10_000;
/** How long a second process of one name may take after the first, in ms. */
const LINGER_MS = 150;
/** A mailbox that nobody used for so long is closed, in ms. */
const IDLE_MS = 60_000;
/** Unreadable answers noted of one round; all are counted. */
const MOST_BAD = 50;

export interface ControlAsk {
	readonly method: string;
	readonly arguments: Readonly<Record<string, unknown>>;
	readonly destination: readonly string[] | null;
	readonly pattern: { readonly text: string; readonly matcher: 'glob' | 'pcre' } | null;
	readonly timeoutMs: number;
	readonly known: KnownNodes;
	/** Whether `known` is up to date. */
	readonly watched: boolean;
	readonly signal: AbortSignal;
	/** False: the method never answers (shutdown), so none is asked for; `stopped` tells instead. */
	readonly reply?: boolean;
	/** Told of every node whose standing changed, with how all went so far. */
	readonly onChange?: (changed: NodeAnswers | null, summary: ControlSummary) => void;
	/** Hands out a way to say that a node has ended; called once it is about to be sent. */
	readonly onSending?: (stopped: (node: string) => void) => void;
}

export interface CeleryControl extends AsyncDisposable {
	/** Sends, gathers answers until all that were expected came or the time is over, and tells who did not answer. */
	ask(profile: Profile, ask: ControlAsk): Promise<Result<ControlOutcome>>;
}

interface Open {
	readonly round: ControlRound;
	readonly heard: (letter: Letter) => void;
}

interface Live {
	readonly mailbox: Mailbox;
	readonly made: string;
	/** `updatedAt` of the profile that it was made of. */
	readonly asOf: number;
	/** The exchange of answers. */
	readonly answers: string;
	readonly open: Map<string, Open>;
	idle: Disposable | null;
	users: number;
	isClosed: boolean;
}

/** Keeps the mailboxes of one engine. `bad` takes answers that nobody could read. */
export function createCeleryControl(
	ports: Ports,
	profiles: Profiles,
	bad: (profile: ProfileId, items: readonly BadEventView[], count: number) => Promise<void>,
	make: typeof createMailbox = createMailbox,
): CeleryControl {
	const { clock, log } = ports;
	const live = new Map<ProfileId, Live>();
	/** Those whose profile was edited while they were used as well. */
	const entries = new Map<Live, ProfileId>();
	const closing = new Set<Promise<void>>();
	const asking = new Set<Promise<unknown>>();
	/** Ends what is being asked when the engine ends. */
	const ending = new AbortController();
	/** Lamport's clock, for whoever orders by it. */
	let ticks = 0;

	function close(id: ProfileId, entry: Live): void {
		if (live.get(id) === entry) live.delete(id);
		// At the end of the engine it goes before those who use it.
		if (entry.isClosed) return;
		entry.isClosed = true;
		entries.delete(entry);
		entry.idle?.[Symbol.dispose]();
		const closed = Promise.resolve(entry.mailbox[Symbol.asyncDispose]())
			.catch((error: unknown) => log.warn('mailbox.close-failed', { profile: id, reason: String(error) }))
			.finally(() => closing.delete(closed));
		closing.add(closed);
	}

	function mailboxOf(profile: Profile): Live {
		const made = JSON.stringify([profile.broker, profile.name, profile.celery, profile.secretsAt]);
		const existing = live.get(profile.id);
		// Whoever found the profile before it was edited gets what others have by now.
		if (existing !== undefined && (existing.made === made || profile.updatedAt < existing.asOf)) return existing;
		if (existing !== undefined && existing.users === 0) close(profile.id, existing);
		if (profile.broker.kind === 'embedded') throw new Error('The built-in broker has no workers of Celery.');
		const open = new Map<string, Open>();
		const { requests, answers } = controlExchanges(celeryOf(profile).controlExchange);
		const mailbox = make(profile.broker, driverContext(ports, profiles, profile), {
			exchange: requests,
			replyExchange: answers,
			onLetter(letter) {
				// Late answers of rounds that ended find nobody. What names no round is told to all that are open.
				const rounds = letter.ticket === null ? [...open.values()] : [open.get(letter.ticket)];
				for (const one of rounds) one?.heard(letter);
			},
		});
		mailbox.connect();
		const asOf = profile.updatedAt;
		const entry: Live = { mailbox, made, asOf, answers, open, idle: null, users: 0, isClosed: false };
		live.set(profile.id, entry);
		entries.set(entry, profile.id);
		return entry;
	}

	function use(id: ProfileId, entry: Live): Disposable {
		entry.users += 1;
		entry.idle?.[Symbol.dispose]();
		entry.idle = null;
		const ear = entry.mailbox.listen();
		return {
			[Symbol.dispose]() {
				ear[Symbol.dispose]();
				entry.users -= 1;
				if (entry.users > 0) return;
				// A profile that was edited has another mailbox by now.
				if (live.get(id) !== entry) close(id, entry);
				else entry.idle = clock.after(IDLE_MS, () => close(id, entry));
			},
		};
	}

	async function askRound(profile: Profile, ask: ControlAsk): Promise<Result<ControlOutcome>> {
		const usable = celeryOnly(profile);
		if (!usable.ok) return usable;
		const signal = AbortSignal.any([ask.signal, ending.signal]);
		// What is cancelled while something else is asked before it must not reach anybody.
		if (signal.aborted) return fail('cancelled', 'It was cancelled before it was sent: no worker received it.');
		const entry = mailboxOf(profile);
		using stack = new DisposableStack();
		stack.use(use(profile.id, entry));
		const round = new ControlRound({ ...ask, startedAt: clock.now() });
		const ticket = randomUUID();
		const ended = Promise.withResolvers<void>();
		const spoilt: BadEventView[] = [];
		let spoiltCount = 0;
		const tell = (changed: NodeAnswers | null) => ask.onChange?.(changed, round.summary(clock.now()));
		const lingering = stack.use(new DisposableStack());
		let lingers = false;
		let isSent = false;
		let cancelled = false;
		const look = () => {
			if (!isSent) return;
			const left = round.left();
			if (left === 'now') ended.resolve();
			else if (left === 'linger' && !lingers) {
				lingers = true;
				lingering.use(clock.after(LINGER_MS, ended.resolve));
			}
		};
		const heard = (letter: Letter) => {
			const read = readLetter(letter);
			if (read.ok) {
				round.take(read.value, letter.receivedAt);
				for (const { node } of read.value) tell(round.item(node));
			} else {
				round.unreadable();
				spoiltCount += 1;
				if (spoilt.length < MOST_BAD) spoilt.push(badLetter(ask.method, entry.answers, letter, read.error.message));
			}
			look();
		};
		entry.open.set(ticket, { round, heard });
		stack.defer(() => entry.open.delete(ticket));
		ask.onSending?.((node) => {
			round.stopped(node);
			tell(round.item(node));
			look();
		});
		ticks += 1;
		const now = clock.now();
		const { mailbox } = entry;
		const body = writeControlRequest({
			method: ask.method,
			arguments: ask.arguments,
			destination: ask.destination,
			pattern: ask.pattern,
			reply: ask.reply === false ? null : { ticket, exchange: entry.answers, routingKey: mailbox.address },
		});
		const expires = (now + ask.timeoutMs) / 1_000;
		const sent = await mailbox.send(body, { clock: ticks, expires, deadlineMs: REACH_MS, signal });
		if (!sent.ok) return sent;
		round.sent(clock.now(), sent.value.receivers);
		isSent = true;
		for (const item of round.outcome(clock.now()).items) tell(item);
		tell(null);
		stack.use(clock.after(ask.timeoutMs, ended.resolve));
		const cancel = () => {
			cancelled = true;
			ended.resolve();
		};
		signal.addEventListener('abort', cancel, { once: true });
		stack.defer(() => signal.removeEventListener('abort', cancel));
		look();
		if (signal.aborted) cancel();
		await ended.promise;
		// What comes from now on belongs to nobody.
		entry.open.delete(ticket);
		round.end(clock.now(), cancelled ? 'cancelled' : ask.reply !== false && sent.value.deaf() ? 'deaf' : null);
		const outcome = round.outcome(clock.now());
		if (spoiltCount > 0) await bad(profile.id, spoilt, spoiltCount);
		return ok(outcome);
	}

	return {
		async ask(profile, ask) {
			const asked = askRound(profile, ask);
			asking.add(asked);
			try {
				return await asked;
			} finally {
				asking.delete(asked);
			}
		},
		async [Symbol.asyncDispose]() {
			ending.abort();
			for (const [entry, id] of [...entries]) close(id, entry);
			await Promise.allSettled(asking);
			await Promise.all(closing);
		},
	};
}

/** Whether a profile has workers that can be asked. */
export function celeryOnly(profile: Profile): Result<void> {
	if (profile.framework !== 'celery') {
		return fail('unsupported', `"${profile.name}" is no Celery profile: only Celery's workers have remote control.`);
	}
	if (profile.broker.kind === 'embedded') {
		return fail('unsupported', 'No Celery worker listens on the built-in broker.');
	}
	return ok(undefined);
}

function readLetter(letter: Letter): ReturnType<typeof readControlReply> {
	if (letter.fault !== null) return fail('undecodable', letter.fault);
	// Celery always says so. Whose answer it would be is a guess, and a late one of an earlier round would count for this one.
	if (letter.ticket === null) return fail('undecodable', 'It does not say which request it answers.');
	return readControlReply(letter.body, letter.contentType, letter.contentEncoding);
}

function badLetter(method: string, exchange: string, letter: Letter, reason: string): BadEventView {
	return {
		at: letter.receivedAt,
		reason: `An answer to ${method}: ${reason}`,
		routingKey: exchange,
		text: Buffer.from(letter.body.subarray(0, 4_000)).toString('utf8'),
		bytes: letter.body.byteLength,
	};
}
