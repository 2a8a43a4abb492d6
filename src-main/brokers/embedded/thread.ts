/** Entry of the built-in broker's thread: opens the file, then serves its driver until told to close. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { Book } from './book.ts';
import { Desk } from './desk.ts';
import type { FromThread, Request, ThreadData, ToThread } from './protocol.ts';

/** How soon another process's publish is noticed, in ms. */
const PULSE = 50;
const BEAT = 1_000;

const port = parentPort;
if (port === null) throw new Error('This module runs as a worker thread.');
serve(workerData as ThreadData, port);

function serve(data: ThreadData, to: NonNullable<typeof parentPort>): void {
	const say = (message: FromThread, transfer: readonly ArrayBuffer[] = []) => to.postMessage(message, transfer);
	let book: Book;
	try {
		mkdirSync(dirname(data.file), { recursive: true, mode: 0o700 });
		book = new Book(data.file);
	} catch (error) {
		say({ kind: 'refused', reason: `${error instanceof Error ? error.message : String(error)} (${data.file})` });
		to.close();
		return;
	}
	const desk = new Desk(book, data.session, say);
	if (data.previous !== null) desk.end(data.previous);

	let waiting: Request[] = [];
	const work = () => {
		const requests = waiting;
		waiting = [];
		if (requests.length > 0) desk.serve(requests);
	};
	const pulse = setInterval(() => {
		if (desk.busy()) unlessLocked(() => desk.pulse());
	}, PULSE);
	const beat = setInterval(() => {
		if (desk.busy()) unlessLocked(() => desk.beat(Date.now()));
	}, BEAT);
	to.on('message', (message: ToThread) => {
		if (message.kind === 'close') {
			work();
			clearInterval(pulse);
			clearInterval(beat);
			desk.end(data.session);
			book[Symbol.dispose]();
			say({ kind: 'closed' });
			to.close();
			return;
		}
		// All that has arrived by now shares one transaction.
		if (waiting.length === 0) setImmediate(work);
		for (const request of message.requests) waiting.push(request);
	});
	unlessLocked(() => desk.beat(Date.now()));
	say({ kind: 'ready' });
}

/** Another process may hold the file for longer than the time-out (stopped in the middle of a write): the next turn will do. */
function unlessLocked(work: () => void): void {
	try {
		work();
	} catch (error) {
		const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
		if (code !== 'SQLITE_BUSY') throw error;
	}
}
