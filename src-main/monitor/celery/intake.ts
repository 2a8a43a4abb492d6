/** What was heard and is not dealt with yet, in order, bounded in bytes: a burst may not fill the memory. */
import type { HeardMessage } from '#main/brokers/topic.ts';

/** Held at most. A broker that waits for our settling never comes near it; one that does not is cut off here, and it is counted. */
export const MOST_BYTES = 64 * 1024 * 1024;

export class Intake {
	readonly #most: number;
	#messages: HeardMessage[] = [];
	#next = 0;
	#bytes = 0;
	#refused = 0;

	constructor(most = MOST_BYTES) {
		this.#most = most;
	}

	/** Messages held. */
	get size(): number {
		return this.#messages.length - this.#next;
	}

	/** False: there is no room, and the message is gone. */
	add(message: HeardMessage): boolean {
		if (this.#bytes + message.body.byteLength > this.#most) {
			this.#refused += 1;
			return false;
		}
		this.#bytes += message.body.byteLength;
		this.#messages.push(message);
		return true;
	}

	/** The next message; null: none. */
	take(): HeardMessage | null {
		const message = this.#messages[this.#next];
		if (message === undefined) return null;
		this.#next += 1;
		this.#bytes -= message.body.byteLength;
		if (this.#next === this.#messages.length || this.#next > 4_096) {
			this.#messages = this.#messages.slice(this.#next);
			this.#next = 0;
		}
		return message;
	}

	/** Messages refused since this was last asked. */
	takeRefused(): number {
		const refused = this.#refused;
		this.#refused = 0;
		return refused;
	}
}
