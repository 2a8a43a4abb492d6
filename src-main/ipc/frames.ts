/**
 * Frames: what crosses a wire, the same over a MessagePort, a WebSocket or an in-memory pair. Plain JSON-safe data; times in
 * epoch ms; bytes as base64. Credit: a stream opens with some, each snapshot or change uses one up, each `ack` returns one.
 */
import type { WireError } from './codes.ts';

export const PROTOCOL = 1;

export interface Hello {
	readonly kind: 'hello';
	readonly protocol: number;
	/** Version of the build; page and engine must come from the same one. */
	readonly build: string;
}

/** Page to engine. */
export type UpFrame =
	| Hello
	| {
			readonly kind: 'request';
			readonly id: number;
			readonly route: string;
			readonly input: unknown;
			/** The profile's name, typed by the person, where the route needs it. */
			readonly confirm?: string;
	  }
	| { readonly kind: 'cancel'; readonly id: number }
	| {
			readonly kind: 'open';
			readonly id: number;
			readonly stream: string;
			readonly input: unknown;
			readonly credit: number;
	  }
	| { readonly kind: 'ack'; readonly id: number }
	| { readonly kind: 'close'; readonly id: number }
	/** Whether anybody can see the page; hidden ones get a frame a second. */
	| { readonly kind: 'visible'; readonly visible: boolean };

/** Engine to page. */
export type DownFrame =
	| Hello
	| { readonly kind: 'reply'; readonly id: number; readonly ok: true; readonly data: unknown }
	| { readonly kind: 'reply'; readonly id: number; readonly ok: false; readonly error: WireError }
	/** The whole state of a stream at a revision; replaces what was there. */
	| { readonly kind: 'snapshot'; readonly id: number; readonly rev: number; readonly items: readonly unknown[] }
	/** What changed since. `lost`: how many appended items were dropped for want of credit since the last frame. */
	| {
			readonly kind: 'change';
			readonly id: number;
			readonly rev: number;
			readonly items: readonly unknown[];
			readonly lost: number;
	  }
	| { readonly kind: 'end'; readonly id: number; readonly error?: WireError };

/** One end of a wire. `send` never throws; frames sent after `close` are dropped. */
export interface Wire<Out, In> extends Disposable {
	send(frame: Out): void;
	/** At most one listener; frames that came before it are handed to it. */
	listen(onFrame: (frame: In) => void, onClose: (reason: string) => void): void;
	close(reason: string): void;
}

/** Names that the shell, its preload script and the page share. Not frames: how a page gets the port that frames cross. */
export const CHANNELS = {
	/** Preload to shell: give this page a port. */
	connect: 'warren:connect',
	/** Shell to preload, and preload to page: here it is. */
	port: 'warren:port',
	/** Shell to preload: go to a place of the page, given as its address has it. */
	goTo: 'warren:go-to',
	openExternal: 'warren:open-external',
	pickFile: 'warren:pick-file',
	pickFolder: 'warren:pick-folder',
} as const;
