/** What all wires share: frames wait for their listener, and the end is told once. */
import type { Wire } from '../frames.ts';

/** The inside of a wire; `transport` is how frames leave and how the other side hears of the end. */
export interface Transport<Out> {
	send(frame: Out): void;
	close(reason: string): void;
}

/** Builds a wire over a transport. Whoever owns the transport calls `receive` and `ended`. */
export class BasicWire<Out, In> implements Wire<Out, In> {
	readonly #transport: Transport<Out>;
	#early: In[] = [];
	#onFrame: ((frame: In) => void) | null = null;
	#onClose: ((reason: string) => void) | null = null;
	#end: string | null = null;

	constructor(transport: Transport<Out>) {
		this.#transport = transport;
	}

	send(frame: Out): void {
		if (this.#end === null) this.#transport.send(frame);
	}

	listen(onFrame: (frame: In) => void, onClose: (reason: string) => void): void {
		if (this.#onFrame !== null) throw new Error('A wire has one listener.');
		this.#onFrame = onFrame;
		this.#onClose = onClose;
		const early = this.#early;
		this.#early = [];
		for (const frame of early) onFrame(frame);
		if (this.#end !== null) onClose(this.#end);
	}

	close(reason: string): void {
		if (this.#end !== null) return;
		this.#end = reason;
		this.#transport.close(reason);
		this.#onClose?.(reason);
	}

	[Symbol.dispose](): void {
		this.close('disposed');
	}

	/** A frame came in. Frames after the end are dropped. */
	receive(frame: In): void {
		if (this.#end !== null) return;
		if (this.#onFrame === null) this.#early.push(frame);
		else this.#onFrame(frame);
	}

	/** The other side is gone. */
	ended(reason: string): void {
		if (this.#end !== null) return;
		this.#end = reason;
		this.#onClose?.(reason);
	}
}
