/** Handlers of the routes about packets in django-q's lists. */
import { actLease, holdWhile } from '#main/actions/act-lease.ts';
import { type ActionTarget, mayHaveArrived } from '#main/actions/deployment.ts';
import { findPacket, packetDoor } from '#main/actions/packets.ts';
import { type Chosen, next, shift } from '#main/actions/waiting.ts';
import type { WaitingChange } from '#main/actions/waiting-change.ts';
import { heldFrom, holdOf } from '#main/brokers/packets.ts';
import { packetNames } from '#main/dialects/django-q/message.ts';
import { pickleOf, readPacket, TASK_LIMIT } from '#main/dialects/django-q/packet.ts';
import { type MessageDialect, messageDialect } from '#main/dialects/messages.ts';
import { listPickle } from '#main/dialects/python/pickle-listing.ts';
import type { PacketAction } from '#main/domain/action.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments } from '#main/domain/value.ts';
import type { PacketGroup, PacketPage, PacketsMoved, PacketView } from '#main/ipc/contract/packet.ts';
import type { CallContext, CallHandlers } from '#main/ipc/handlers.ts';
import { checkArguments } from '../arguments.ts';
import { type Core, signedTargetOf, targetOf } from '../core.ts';
import { checkFor, packetView } from '../packet-views.ts';
import { type Asked, carryOut, depthOf, foreseen } from '../waiting-acts.ts';

type Name =
	| 'packet.list'
	| 'packet.groups'
	| 'packet.show'
	| 'packet.next'
	| 'packet.hold'
	| 'packet.release'
	| 'packet.clone';

const READY_MS = 10_000;
/** Packets that are looked at for one page, and how long that may take in ms. */
const PAGE_SCAN = 50_000;
const PAGE_MS = 5_000;
/** How long counting may take in ms, and names that are counted apart. */
const COUNT_MS = 180_000;
const MOST_NAMES = 10_000;
const WINDOW = 500;

interface Choosing {
	readonly ids?: readonly string[] | undefined;
	readonly func?: string | undefined;
	readonly group?: string | undefined;
	readonly where?: string | undefined;
	readonly all?: boolean | undefined;
	readonly review?: string | undefined;
	readonly dryRun?: boolean | undefined;
}

/** Which change it is, from where to where. */
interface Way {
	readonly action: PacketAction;
	readonly from: string;
	readonly to: string;
	readonly make: (chosen: Chosen) => WaitingChange;
}

export function packetHandlers(core: Core): Pick<CallHandlers, Name> {
	const now = () => core.ports.clock.now();

	async function open(name: string, queue: string | undefined) {
		const target = await targetOf(core, name);
		if (!target.ok) return target;
		const door = packetDoor(target.value);
		if (!door.ok) return door;
		const ready = await target.value.driver.ready(READY_MS);
		if (!ready.ok) return ready;
		const list = queueOf(target.value, queue);
		return list.ok ? ok({ target: target.value, door: door.value, queue: list.value }) : list;
	}

	async function change(
		name: string,
		input: Choosing,
		context: CallContext,
		way: (target: ActionTarget) => Result<Way>,
	): Promise<Result<PacketsMoved>> {
		const target = await targetOf(core, name);
		if (!target.ok) return target;
		const door = packetDoor(target.value);
		if (!door.ok) return door;
		const found = way(target.value);
		if (!found.ok) return found;
		const { action, from, to, make } = found.value;
		const asked = askedOf(input, from);
		if (!asked.ok) return asked;
		const ends = { from, to };
		if (input.dryRun === true && input.review === undefined) {
			const depth = depthOf(target.value, 0);
			const { signal } = context;
			const review = await core.waitingReviews.freeze(target.value, action, from, asked.value, signal, depth);
			return review.ok ? ok({ ...foreseen(review.value), ...ends, review: review.value.token }) : review;
		}
		const done = await carryOut(core, target.value, action, asked.value, context, make);
		return done.ok ? ok({ ...done.value, ...ends, review: null }) : done;
	}

	return {
		'packet.list': async (input) => {
			const opened = await open(input.profile, input.queue);
			if (!opened.ok) return opened;
			const { target, door, queue } = opened.value;
			const checking = await core.clusters.checking(target.profile);
			if (!checking.ok) return checking;
			const check = checkFor(checking.value, queue);
			const until = core.ports.clock.monotonic() + PAGE_MS;
			const items: PacketView[] = [];
			const page = (total: number, at: number, ended: boolean): Result<PacketPage> =>
				ok({ items, queue, total, scanned: at - input.from, next: ended || at >= total ? null : at });
			let at = input.from;
			for (;;) {
				const window = await door.window(queue, at, WINDOW);
				if (!window.ok) return window;
				const { packets, length } = window.value;
				for (const packet of packets) {
					const place = at;
					at += 1;
					if (!matches(packet, input)) continue;
					items.push(packetView(packet, { place, now: now(), whole: false }, check));
					if (items.length >= input.limit) return page(length, at, false);
				}
				if (packets.length === 0) return page(length, at, true);
				// A filter may find nothing in a million packets: what was gone through so far is an answer too.
				if (at - input.from >= PAGE_SCAN || core.ports.clock.monotonic() > until) return page(length, at, false);
			}
		},
		'packet.groups': async (input, context) => {
			const opened = await open(input.profile, input.queue);
			if (!opened.ok) return opened;
			const { door, queue } = opened.value;
			const until = core.ports.clock.monotonic() + COUNT_MS;
			const counts = new Map<string | null, { count: number; oldest: number | null }>();
			let [at, complete] = [0, true];
			for (;;) {
				const window = await door.window(queue, at, WINDOW);
				if (!window.ok) return window;
				if (window.value.packets.length === 0) break;
				at += window.value.packets.length;
				for (const packet of window.value.packets) {
					const { [input.by]: name, signedAt } = packetNames(packet);
					const known = counts.get(name);
					if (known === undefined) {
						if (counts.size < MOST_NAMES) counts.set(name, { count: 1, oldest: signedAt });
						else complete = false;
						continue;
					}
					known.count += 1;
					if (signedAt !== null && (known.oldest === null || signedAt < known.oldest)) known.oldest = signedAt;
				}
				if (context.signal.aborted) return fail('cancelled', 'The count was stopped.');
				if (core.ports.clock.monotonic() > until) {
					complete = at >= window.value.length && complete;
					break;
				}
			}
			const items = [...counts]
				.map(([name, group]): PacketGroup => ({ name, ...group }))
				.sort((a, b) => b.count - a.count);
			return ok({ items, queue, total: at, complete });
		},
		'packet.show': async (input, context) => {
			const opened = await open(input.profile, input.queue);
			if (!opened.ok) return opened;
			const { target, queue } = opened.value;
			const packet = await findPacket(target, queue, input.id, context.signal);
			if (!packet.ok) return packet;
			if (packet.value === null) return notThere(input.id, queue);
			const checking = await core.clusters.checking(target.profile);
			if (!checking.ok) return checking;
			const at = { place: 0, now: now(), whole: true };
			const view = packetView(packet.value, at, checkFor(checking.value, queue));
			const read = readPacket(Buffer.from(packet.value).toString('latin1'));
			const pickle = read.ok ? pickleOf(read.value, TASK_LIMIT) : read;
			if (!pickle.ok) return ok({ ...view, instructions: [], ended: pickle.error.message });
			return ok({ ...view, ...listPickle(pickle.value, input.instructions) });
		},
		'packet.next': async (input, context) =>
			change(input.profile, input, context, (target) => {
				const queue = queueOf(target, input.queue);
				if (!queue.ok) return queue;
				return ok({ action: 'next', from: queue.value, to: queue.value, make: next });
			}),
		'packet.hold': async (input, context) =>
			change(input.profile, input, context, (target) => {
				const queue = queueOf(target, input.queue);
				if (!queue.ok) return queue;
				if (heldFrom(queue.value) !== null) {
					return fail('invalid-input', `What is in "${queue.value}" is held already; release gives it back.`);
				}
				const to = holdOf(queue.value);
				return ok({ action: 'hold', from: queue.value, to, make: (chosen) => shift(chosen, 'hold', to, false) });
			}),
		'packet.release': async (input, context) =>
			change(input.profile, input, context, (target) => {
				const queue = queueOf(target, input.queue);
				if (!queue.ok) return queue;
				const to = heldFrom(queue.value) ?? queue.value;
				const first = input.first === true;
				return ok({ action: 'release', from: holdOf(to), to, make: (chosen) => shift(chosen, 'release', to, first) });
			}),
		'packet.clone': async (input, context) => {
			const opened = await open(input.profile, input.queue);
			if (!opened.ok) return opened;
			const { queue } = opened.value;
			const target = await signedTargetOf(core, input.profile, heldFrom(queue) ?? queue);
			if (!target.ok) return target;
			const { driver, profile, packets, journal, leases } = target.value;
			if (packets?.ok === false) return packets;
			const dialect = messageDialect(profile, packets);
			const call = argumentsOf(input, dialect);
			if (!call.ok) return call;
			const packet = await findPacket(target.value, queue, input.id, context.signal);
			if (!packet.ok) return packet;
			if (packet.value === null) return notThere(input.id, queue);
			const id = target.value.newId();
			const message = { exchange: '', routingKey: queue, properties: {}, body: packet.value };
			const given = call.value === null ? {} : { call: call.value };
			const made = dialect.again(message, { id, now: now(), ...given });
			if (!made.ok) return made;
			// Named before it is sent: a copy that is cut off by a crash can be taken back.
			const title = `Enqueued a copy of ${input.id} in ${queue}`;
			const before = JSON.stringify({ sent: [{ messageId: id, queue }] });
			const undo = await journal.begin({ at: now(), profile: profile.id, action: 'packet.clone', title, before }, null);
			await using _lease = await holdWhile(leases, actLease(undo));
			const sent = await driver.publish(made.value);
			const gone = sent.ok || mayHaveArrived(sent.error);
			await journal.close(undo, { state: 'done', title: gone ? title : null, before });
			if (!sent.ok) return sent;
			return ok({ id, queue, note: packets?.value.assumed ?? null, undo });
		},
	};
}

/** The queue that was named, or the one that is meant where none was. */
function queueOf({ profile }: ActionTarget, queue: string | undefined): Result<string> {
	const [first] = profile.queues;
	const prefixes = profile.djangoQ?.prefixes ?? [];
	const meant = queue ?? first ?? (prefixes.length === 1 ? prefixes[0] : undefined);
	if (meant !== undefined) return ok(meant);
	return fail('invalid-input', 'Name the queue with --queue; "queue list" shows which there are.');
}

/** What was chosen, as every change of waiting messages takes it. */
function askedOf(input: Choosing, queue: string): Result<Asked> {
	const { review, dryRun, func, group, where, all } = input;
	const ids = input.ids === undefined || input.ids.length === 0 ? undefined : input.ids;
	const asked = { queue, review, dryRun, ids, name: func, group, where, scan: 0 };
	if ([review, ids, func, group, where].some((given) => given !== undefined) || all === true) return ok(asked);
	return fail('invalid-input', 'Say which packets: by ids, --func, --group or --where, or --all.');
}

function matches(
	packet: Uint8Array,
	filter: { readonly func?: string | undefined; readonly group?: string | undefined },
): boolean {
	if (filter.func === undefined && filter.group === undefined) return true;
	const { func, group } = packetNames(packet);
	return (filter.func === undefined || func === filter.func) && (filter.group === undefined || group === filter.group);
}

function argumentsOf(
	input: { readonly args?: string | undefined; readonly kwargs?: string | undefined },
	dialect: MessageDialect,
): Result<CallArguments | null> {
	if (input.args === undefined && input.kwargs === undefined) return ok(null);
	const checked = checkArguments(input.args ?? '', input.kwargs ?? '{}', dialect);
	const problem = checked.argsProblem ?? checked.kwargsProblem;
	if (problem !== null || checked.call === null) {
		const field = checked.argsProblem === null ? 'kwargs' : 'args';
		return fail('invalid-input', `${field}: ${problem?.message ?? 'cannot be read.'}`, { details: { field } });
	}
	return ok(checked.call);
}

function notThere(id: string, queue: string): Result<never> {
	return fail('not-found', `"${id}" does not wait in "${queue}": a cluster has taken it, or it was never there.`);
}
