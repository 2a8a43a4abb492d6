/**
 * What drivers have in common that live on sessions: one of these is the driver's own, whose state is the driver's, and nothing goes
 * out before somebody asked for the connection.
 */
import type { ConnectionState } from '../domain/profile.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import type { Session, SessionLink } from './session.ts';

export abstract class SessionDriver<L extends SessionLink> implements AsyncDisposable {
	/** The driver's own connection. */
	protected readonly main: Session<L>;
	/** What is connected to, in words. */
	readonly #broker: string;
	#asked = false;

	protected constructor(main: Session<L>, broker: string) {
		this.main = main;
		this.#broker = broker;
	}

	connect(): void {
		this.#asked = true;
		this.main.connect();
	}

	state(): ConnectionState {
		return this.main.state();
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		return this.main.onState(listener);
	}

	async ready(deadlineMs: number): Promise<Result<void>> {
		const link = await this.link(deadlineMs);
		return link.ok ? ok(undefined) : link;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#asked = false;
		await this.close();
	}

	/** Ends everything that was begun, the driver's own connection too; nothing new begins meanwhile. */
	protected abstract close(): Promise<void>;

	/** The driver's own connection, waiting for it up to `deadlineMs`. */
	protected async link(deadlineMs: number): Promise<Result<L>> {
		return this.idle() ?? this.main.ready(deadlineMs);
	}

	/** The failure of what is asked before anybody asked for the connection, or after it was given up; null: somebody did. */
	protected idle(): Result<never> | null {
		if (this.#asked) return null;
		return fail('unreachable', `Not connected to ${this.#broker}: nobody asked for the connection yet.`, {
			details: { outcome: 'not-sent', sent: false },
		});
	}
}
