/**
 * What the built-in broker's thread does: answers batches of commands in one transaction each, hands out messages to the
 * consumers of its driver, notices what other processes commit, and gives back what the dead held.
 */
import { hostname } from 'node:os';
import { assertNever, fail, ok, type Result } from '../../domain/result.ts';
import type { Book } from './book.ts';
import type { Command, FromThread, Handed, Request } from './protocol.ts';

/** A session that has not beaten for this long is dead, in ms. */
export const SESSION_SILENCE = 10_000;

interface Consumer {
	readonly number: number;
	readonly queue: string;
	prefetch: number;
	/** Rows held, by message id, for the count and for giving back. */
	readonly held: Map<number, number>;
	taking: boolean;
	told: string | null | undefined;
}

export class Desk {
	readonly #book: Book;
	readonly #session: string;
	readonly #say: (message: FromThread, transfer?: readonly ArrayBuffer[]) => void;
	readonly #consumers = new Map<number, Consumer>();
	/** Which consumer holds a row. */
	readonly #holders = new Map<number, Consumer>();
	#seen: number;
	/** Takes back what the running transaction changed here, should it fail. */
	#undo: (() => void)[] = [];

	constructor(book: Book, session: string, say: (message: FromThread, transfer?: readonly ArrayBuffer[]) => void) {
		this.#book = book;
		this.#session = session;
		this.#say = say;
		this.#seen = book.version();
	}

	/** Whether the desk needs its pulse: somebody consumes or holds something. */
	busy(): boolean {
		return this.#consumers.size > 0 || this.#holders.size > 0;
	}

	/** Answers requests, then hands out what may go; all of it committed before anybody hears of it. */
	serve(requests: readonly Request[]): void {
		const reading =
			requests.length > 0 &&
			requests.every(({ command: { kind } }) => kind === 'look' || kind === 'window' || kind === 'queues');
		let replies: { readonly id: number; readonly result: Result<unknown> }[];
		let handed: Handed[] = [];
		this.#undo = [];
		try {
			const work = () => requests.map(({ id, command }) => ({ id, result: this.#answer(command) }));
			if (reading) {
				replies = work();
			} else {
				this.#book.transaction(() => {
					replies = work();
					handed = this.#handOut();
				});
			}
			replies ??= [];
		} catch (error) {
			for (const undo of this.#undo.reverse()) undo();
			handed = [];
			// What could not be handed out is tried again at the next pulse, whether or not anybody changes anything.
			this.#seen = -1;
			const why = error instanceof Error ? error.message : String(error);
			replies = requests.map(({ id }) => ({
				id,
				result: fail('busy', `The built-in broker could not write to its file: ${why}`, {
					details: { outcome: 'not-sent' },
				}),
			}));
		}
		this.#speak(replies, handed);
	}

	/** Every 50 ms: hands out what other processes published or gave back. */
	pulse(): void {
		const version = this.#book.version();
		if (version === this.#seen) return;
		this.#seen = version;
		const any = [...this.#consumers.values()].some((consumer) => {
			this.#notice(consumer);
			return room(consumer) > 0 && this.#book.waits(consumer.queue);
		});
		if (any) this.serve([]);
	}

	/** Every second or two: shows that this session lives, and gives back what dead ones held. `now` in epoch ms. */
	beat(now: number): void {
		const dead = this.#book
			.sessions()
			.filter(
				({ id, beat_at, host, pid }) => id !== this.#session && (now - beat_at > SESSION_SILENCE || dying(host, pid)),
			);
		this.#book.transaction(() => {
			for (const { id } of dead) this.#book.endSession(id);
			if (this.busy()) {
				this.#book.beat({ id: this.#session, host: hostname(), pid: process.pid, beat_at: now });
				// Somebody may have taken this session for dead (a suspended machine): it is listed again.
				for (const consumer of this.#consumers.values()) {
					if (consumer.taking) this.#book.addConsumer(this.#session, consumer.number, consumer.queue);
				}
			}
		});
		if (dead.length > 0) this.serve([]);
	}

	/** Gives back all that a session holds. */
	end(session: string): void {
		this.#book.transaction(() => this.#book.endSession(session));
	}

	#answer(command: Command): Result<unknown> {
		switch (command.kind) {
			case 'publish':
				return this.#book.publish(command.message, command.at);
			case 'ack': {
				this.#drop(command.token.id);
				return this.#book.ack(command.token, this.#session);
			}
			case 'release': {
				this.#drop(command.token.id);
				return this.#book.release(command.token, this.#session);
			}
			case 'look':
				return this.#book.look(command.queue, command.limit);
			case 'remove':
				return this.#book.remove(command.queue, command.ids);
			case 'window':
				return this.#book.window(command.queue, command.after, command.limit);
			case 'settle':
				return ok(this.#book.settle(command.queue, command.fates, command.at));
			case 'clear':
				return this.#book.clear(command.queue);
			case 'ensure':
				return this.#book.ensure(command.declaration, command.at);
			case 'queues':
				return ok(this.#book.figures(command.names, Date.now()));
			case 'consume': {
				const { consumer: number, queue, prefetch } = command;
				this.#book.beat({ id: this.#session, host: hostname(), pid: process.pid, beat_at: Date.now() });
				this.#book.addConsumer(this.#session, number, queue);
				this.#consumers.set(number, { number, queue, prefetch, held: new Map(), taking: true, told: undefined });
				this.#undo.push(() => this.#consumers.delete(number));
				return ok(undefined);
			}
			case 'prefetch': {
				const consumer = this.#consumers.get(command.consumer);
				if (consumer !== undefined) consumer.prefetch = command.prefetch;
				return ok(undefined);
			}
			case 'cancel':
				return this.#cancel(command.consumer, command.release);
			default:
				return assertNever(command);
		}
	}

	#cancel(number: number, release: boolean): Result<undefined> {
		const consumer = this.#consumers.get(number);
		if (consumer === undefined) return ok(undefined);
		consumer.taking = false;
		this.#undo.push(() => {
			consumer.taking = true;
		});
		this.#book.removeConsumer(this.#session, number);
		if (release) {
			for (const [id, delivery] of consumer.held) {
				this.#drop(id);
				this.#book.release({ id, delivery }, this.#session);
			}
			this.#consumers.delete(number);
			this.#undo.push(() => this.#consumers.set(number, consumer));
		}
		return ok(undefined);
	}

	#drop(id: number): void {
		const holder = this.#holders.get(id);
		const delivery = holder?.held.get(id);
		if (holder === undefined || delivery === undefined) return;
		this.#forget(holder, id);
		this.#undo.push(() => this.#keep(holder, id, delivery));
	}

	#keep(holder: Consumer, id: number, delivery: number): void {
		holder.held.set(id, delivery);
		this.#holders.set(id, holder);
	}

	#forget(holder: Consumer, id: number): void {
		holder.held.delete(id);
		this.#holders.delete(id);
	}

	#handOut(): Handed[] {
		const handed: Handed[] = [];
		for (const consumer of this.#consumers.values()) {
			const free = room(consumer);
			if (free <= 0) continue;
			this.#notice(consumer);
			for (const { token, message } of this.#book.take(consumer.queue, this.#session, free)) {
				this.#keep(consumer, token.id, token.delivery);
				this.#undo.push(() => this.#forget(consumer, token.id));
				handed.push({ consumer: consumer.number, token, message });
			}
		}
		return handed;
	}

	#notice(consumer: Consumer): void {
		const problem = this.#book.exists(consumer.queue)
			? null
			: `The queue "${consumer.queue}" does not exist yet. Waiting for it.`;
		if (problem === consumer.told || !consumer.taking) return;
		consumer.told = problem;
		this.#say({ kind: 'status', consumer: consumer.number, problem });
	}

	#speak(
		replies: readonly { readonly id: number; readonly result: Result<unknown> }[],
		handed: readonly Handed[],
	): void {
		if (replies.length === 0 && handed.length === 0) return;
		const transfer = handed.map(({ message }) => message.body.buffer as ArrayBuffer);
		this.#say({ kind: 'batch', replies, handed }, transfer);
	}
}

function room(consumer: Consumer): number {
	return consumer.taking ? consumer.prefetch - consumer.held.size : 0;
}

/** Whether a process of this machine is certainly gone. One of another machine can only be told by its beat. */
function dying(host: string, pid: number): boolean {
	if (host !== hostname()) return false;
	try {
		process.kill(pid, 0);
		return false;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'ESRCH';
	}
}
