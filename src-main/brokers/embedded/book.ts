/**
 * The built-in broker's file: queues, the messages that wait in them, and who holds which. Synchronous; lives in a thread.
 *
 * Durability: write-ahead log with `synchronous = NORMAL`. What is committed survives the death of any process, `kill -9`
 * included; a power cut may take the last moments but never damages the file. FULL would cost a disk flush per batch of
 * acknowledgements, which is not what a broker for a desk is for.
 *
 * Several processes share the file. A session is one driver with consumers; it beats while it lives, and what it holds goes
 * back when the beat stops or its process is gone.
 */
import Database from 'better-sqlite3';
import { type BrokerMessage, idOfMessage, type OutgoingMessage } from '../../domain/message.ts';
import type { QueueDeclaration, QueueFigures } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { readProperties, writeProperties } from '../properties.ts';
import type { Settled } from '../waiting.ts';
import type { DeliveryToken, Place, RowFate, WaitingRow } from './protocol.ts';

/** Version of the tables, kept in `user_version`. */
export const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE queues (
	name TEXT PRIMARY KEY,
	durable INTEGER NOT NULL,
	max_priority INTEGER,
	carrot_exchange INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	queue TEXT NOT NULL,
	priority INTEGER NOT NULL,
	exchange TEXT NOT NULL,
	routing_key TEXT NOT NULL,
	message_id TEXT,
	properties BLOB NOT NULL,
	body BLOB NOT NULL,
	published_at INTEGER NOT NULL,
	deliveries INTEGER NOT NULL DEFAULT 0,
	session TEXT
) STRICT;
CREATE INDEX messages_ready ON messages (queue, priority DESC, id) WHERE session IS NULL;
CREATE INDEX messages_held ON messages (session) WHERE session IS NOT NULL;
CREATE INDEX messages_by_id ON messages (queue, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE sessions (
	id TEXT PRIMARY KEY,
	host TEXT NOT NULL,
	pid INTEGER NOT NULL,
	beat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE consumers (
	session TEXT NOT NULL,
	consumer INTEGER NOT NULL,
	queue TEXT NOT NULL,
	PRIMARY KEY (session, consumer)
) STRICT, WITHOUT ROWID;
`;

/** Most bytes of bodies that one look answers with. */
const LOOK_BYTES = 64 * 1024 * 1024;

/** The file was written by a newer Warren. */
export class NewerSchema extends Error {
	constructor(found: number) {
		super(
			`The built-in broker's file has version ${found}, and this Warren knows versions up to ${SCHEMA_VERSION}. Use the newer Warren.`,
		);
	}
}

interface Row {
	readonly id: number;
	readonly queue: string;
	readonly exchange: string;
	readonly routing_key: string;
	readonly properties: Buffer;
	readonly body: Buffer;
	readonly deliveries: number;
	readonly priority: number;
}

export interface SessionFacts {
	readonly id: string;
	readonly host: string;
	readonly pid: number;
	readonly beat_at: number;
}

export class Book implements Disposable {
	readonly #db: Database.Database;
	readonly #sql: ReturnType<typeof prepare>;

	/** Opens or makes the file. Throws what SQLite throws, and `NewerSchema`. */
	constructor(file: string) {
		this.#db = new Database(file, { timeout: 5_000 });
		try {
			this.#db.pragma('journal_mode = WAL');
			this.#db.pragma('synchronous = NORMAL');
			this.#migrate();
			this.#sql = prepare(this.#db);
		} catch (error) {
			this.#db.close();
			throw error;
		}
	}

	[Symbol.dispose](): void {
		this.#db.close();
	}

	/** Runs `work` as one transaction that takes the write lock at once. */
	transaction<T>(work: () => T): T {
		return this.#db.transaction(work).immediate();
	}

	/** Changes whenever another connection has committed. */
	version(): number {
		return this.#db.pragma('data_version', { simple: true }) as number;
	}

	ensure(declaration: QueueDeclaration, at: number): Result<undefined> {
		const { queue, durable, maxPriority, carrotExchange } = declaration;
		if (queue === '' || Buffer.byteLength(queue) > 255)
			return fail('invalid-input', 'A queue name has 1 to 255 bytes.');
		this.#sql.ensure.run(queue, durable ? 1 : 0, maxPriority, carrotExchange ? 1 : 0, at);
		return ok(undefined);
	}

	exists(queue: string): boolean {
		return this.#sql.queue.get(queue) !== undefined;
	}

	publish(message: OutgoingMessage, at: number): Result<undefined> {
		const { exchange, routingKey, properties } = message;
		const name = exchange === '' ? routingKey : exchange;
		const queue = this.#sql.queue.get(name) as { max_priority: number | null; carrot_exchange: number } | undefined;
		if (exchange !== '' && queue?.carrot_exchange !== 1) {
			return fail('not-found', `There is no exchange "${exchange}" here. Nothing was sent.`, {
				details: { outcome: 'not-sent' },
			});
		}
		if (queue === undefined || (exchange !== '' && routingKey !== exchange)) {
			return fail('unroutable', `There is no queue for "${routingKey}", so the message went nowhere.`, {
				details: { outcome: 'not-sent' },
			});
		}
		// As RabbitMQ: a queue without priorities has one order, and higher ones than its highest count as that.
		const priority = Math.min(properties.priority ?? 0, queue.max_priority ?? 0);
		const messageId = idOfMessage(properties);
		let written: Buffer;
		try {
			// As AMQP writes them, so that every type comes back as it was, whatever JSON would make of it.
			written = writeProperties(properties);
		} catch (error) {
			return fail('invalid-input', `The message cannot be written: ${(error as Error).message}`, {
				details: { outcome: 'not-sent' },
			});
		}
		this.#sql.insert.run(name, priority, exchange, routingKey, messageId, written, asBuffer(message.body), at);
		return ok(undefined);
	}

	/** Hands out up to `limit` messages to a session, next first. */
	take(queue: string, session: string, limit: number): readonly { token: DeliveryToken; message: BrokerMessage }[] {
		const rows = this.#sql.ready.all(queue, limit) as Row[];
		return rows.map((row) => {
			this.#sql.hold.run(session, row.id);
			return { token: { id: row.id, delivery: row.deliveries + 1 }, message: brokerMessage(row) };
		});
	}

	/** Whether anything waits, read without taking the write lock. */
	waits(queue: string): boolean {
		return this.#sql.anyReady.get(queue) !== undefined;
	}

	ack(token: DeliveryToken, session: string): Result<undefined> {
		return this.#sql.ack.run(token.id, session, token.delivery).changes === 1 ? ok(undefined) : gone();
	}

	release(token: DeliveryToken, session: string): Result<undefined> {
		return this.#sql.release.run(token.id, session, token.delivery).changes === 1 ? ok(undefined) : gone();
	}

	look(queue: string, limit: number): Result<readonly BrokerMessage[]> {
		if (!this.exists(queue)) return noQueue(queue);
		const messages: BrokerMessage[] = [];
		let bytes = 0;
		for (const row of this.#sql.ready.iterate(queue, limit) as IterableIterator<Row>) {
			messages.push(brokerMessage(row));
			bytes += row.body.byteLength;
			if (bytes > LOOK_BYTES) break;
		}
		return ok(messages);
	}

	remove(queue: string, ids: readonly string[]): Result<readonly BrokerMessage[]> {
		if (!this.exists(queue)) return noQueue(queue);
		const removed: BrokerMessage[] = [];
		for (const id of ids) {
			const row = this.#sql.waitingById.get(queue, id) as Row | undefined;
			if (row === undefined) continue;
			removed.push(brokerMessage(row));
			this.#sql.delete.run(row.id);
		}
		return ok(removed);
	}

	/** What waits after a place, next first, at most `LOOK_BYTES` of it. */
	window(queue: string, after: Place | null, limit: number): Result<readonly WaitingRow[]> {
		if (!this.exists(queue)) return noQueue(queue);
		const { priority, id } = after ?? { priority: Number.MAX_SAFE_INTEGER, id: 0 };
		const rows: WaitingRow[] = [];
		let bytes = 0;
		for (const row of this.#sql.readyAfter.iterate(queue, priority, priority, id, limit) as IterableIterator<Row>) {
			rows.push({ place: { priority: row.priority, id: row.id }, message: brokerMessage(row) });
			bytes += row.body.byteLength;
			if (bytes > LOOK_BYTES) break;
		}
		return ok(rows);
	}

	/** Removes rows that still wait; where another is to take its place, it is published in the same transaction. */
	settle(queue: string, fates: readonly RowFate[], at: number): readonly Settled[] {
		return fates.map(({ id, by }): Settled => {
			if (this.#sql.waits.get(id, queue) === undefined) return { kind: 'gone' };
			if (by !== null) {
				const published = this.publish(by, at);
				if (!published.ok) return { kind: 'failed', failure: published.error };
			}
			this.#sql.delete.run(id);
			return { kind: by === null ? 'removed' : 'replaced' };
		});
	}

	/** Removes all that waits; answers how many. */
	clear(queue: string): Result<number> {
		return this.exists(queue) ? ok(this.#sql.clear.run(queue).changes) : noQueue(queue);
	}

	/** Figures of these queues, of all when none is named. */
	figures(names: readonly string[], at: number): readonly QueueFigures[] {
		const wanted = names.length > 0 ? names : (this.#sql.names.all() as { name: string }[]).map(({ name }) => name);
		return wanted.map((name) => {
			const exists = this.exists(name);
			const count = (statement: Database.Statement) => (statement.get(name) as { n: number }).n;
			return {
				name,
				exists,
				ready: exists ? count(this.#sql.countReady) : null,
				unacked: exists ? count(this.#sql.countHeld) : null,
				consumers: exists ? count(this.#sql.countConsumers) : null,
				at,
				source: 'embedded',
			};
		});
	}

	/** Registers or renews a session. */
	beat(session: SessionFacts): void {
		this.#sql.beat.run(session.id, session.host, session.pid, session.beat_at);
	}

	sessions(): readonly SessionFacts[] {
		return this.#sql.sessions.all() as SessionFacts[];
	}

	/** Gives back what a session holds and forgets it. */
	endSession(id: string): void {
		this.#sql.releaseAll.run(id);
		this.#sql.forgetConsumers.run(id);
		this.#sql.forgetSession.run(id);
	}

	addConsumer(session: string, consumer: number, queue: string): void {
		this.#sql.addConsumer.run(session, consumer, queue);
	}

	removeConsumer(session: string, consumer: number): void {
		this.#sql.removeConsumer.run(session, consumer);
	}

	#migrate(): void {
		this.#db
			.transaction(() => {
				const found = this.#db.pragma('user_version', { simple: true }) as number;
				if (found > SCHEMA_VERSION) throw new NewerSchema(found);
				if (found === SCHEMA_VERSION) return;
				this.#db.exec(SCHEMA);
				this.#db.pragma(`user_version = ${SCHEMA_VERSION}`);
			})
			.immediate();
	}
}

function prepare(db: Database.Database) {
	const columns = 'id, queue, exchange, routing_key, properties, body, deliveries, priority';
	return {
		ensure: db.prepare('INSERT INTO queues VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING'),
		queue: db.prepare('SELECT max_priority, carrot_exchange FROM queues WHERE name = ?'),
		names: db.prepare('SELECT name FROM queues ORDER BY name'),
		insert: db.prepare(
			`INSERT INTO messages (queue, priority, exchange, routing_key, message_id, properties, body, published_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		),
		ready: db.prepare(
			`SELECT ${columns} FROM messages INDEXED BY messages_ready
			WHERE queue = ? AND session IS NULL ORDER BY priority DESC, id LIMIT ?`,
		),
		readyAfter: db.prepare(
			`SELECT ${columns} FROM messages INDEXED BY messages_ready
			WHERE queue = ? AND session IS NULL AND priority <= ? AND (priority < ? OR id > ?)
			ORDER BY priority DESC, id LIMIT ?`,
		),
		waits: db.prepare('SELECT 1 FROM messages WHERE id = ? AND queue = ? AND session IS NULL'),
		clear: db.prepare('DELETE FROM messages WHERE queue = ? AND session IS NULL'),
		anyReady: db.prepare('SELECT 1 FROM messages WHERE queue = ? AND session IS NULL LIMIT 1'),
		hold: db.prepare('UPDATE messages SET session = ?, deliveries = deliveries + 1 WHERE id = ?'),
		ack: db.prepare('DELETE FROM messages WHERE id = ? AND session = ? AND deliveries = ?'),
		release: db.prepare('UPDATE messages SET session = NULL WHERE id = ? AND session = ? AND deliveries = ?'),
		releaseAll: db.prepare('UPDATE messages SET session = NULL WHERE session = ?'),
		waitingById: db.prepare(
			`SELECT ${columns} FROM messages WHERE queue = ? AND message_id = ? AND session IS NULL ORDER BY id LIMIT 1`,
		),
		delete: db.prepare('DELETE FROM messages WHERE id = ?'),
		countReady: db.prepare('SELECT count(*) AS n FROM messages WHERE queue = ? AND session IS NULL'),
		countHeld: db.prepare('SELECT count(*) AS n FROM messages WHERE session IS NOT NULL AND queue = ?'),
		countConsumers: db.prepare('SELECT count(*) AS n FROM consumers WHERE queue = ?'),
		beat: db.prepare(
			`INSERT INTO sessions VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at`,
		),
		sessions: db.prepare('SELECT id, host, pid, beat_at FROM sessions'),
		forgetSession: db.prepare('DELETE FROM sessions WHERE id = ?'),
		forgetConsumers: db.prepare('DELETE FROM consumers WHERE session = ?'),
		addConsumer: db.prepare('INSERT OR REPLACE INTO consumers VALUES (?, ?, ?)'),
		removeConsumer: db.prepare('DELETE FROM consumers WHERE session = ? AND consumer = ?'),
	};
}

function brokerMessage(row: Row): BrokerMessage {
	return {
		queue: row.queue,
		exchange: row.exchange,
		routingKey: row.routing_key,
		properties: readProperties(row.properties),
		body: new Uint8Array(row.body),
		redelivered: row.deliveries > 0,
		deliveryCount: row.deliveries,
	};
}

function noQueue(queue: string): Result<never> {
	return fail('not-found', `There is no queue "${queue}" here.`);
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function gone(): Result<never> {
	return fail('gone', 'This delivery is no more: the session it belonged to ended. The message is handed out again.');
}
