/** The service's own two processes as the command line's program starts them. */
import process from 'node:process';
import { EXIT } from '#main/ipc/codes.ts';
import { takeSignal } from './signals.ts';
import { type FromSupervisor, type ServiceSpec, SUPERVISOR_WORD, WORKER_WORD } from './spec.ts';
import { supervise } from './supervisor.ts';
import { work } from './worker.ts';

/** Runs the part that the first word of the arguments names; null: it names none. */
export function servicePart(word: string | undefined): Promise<number> | null {
	if (word === WORKER_WORD) return work();
	return word === SUPERVISOR_WORD ? superviseDetached() : null;
}

/** What it is to be comes from whoever started it, over a pipe: nothing of it stands in a list of processes. */
async function superviseDetached(): Promise<number> {
	if (process.send === undefined) {
		process.stderr.write('warren: this is a part of "warren consumer start" and runs under it only.\n');
		return EXIT.usage;
	}
	const { promise, resolve } = Promise.withResolvers<ServiceSpec>();
	process.once('message', (spec: ServiceSpec) => resolve(spec));
	const spec = await promise;
	const tell = (message: FromSupervisor) => {
		// Whoever started it may have had enough and gone; the service does not depend on it.
		if (process.connected) process.send?.(message, () => {});
	};
	takeSignal('SIGHUP', () => {});
	return supervise(
		spec,
		(taken) => tell(taken.ok ? { kind: 'up', pid: process.pid } : { kind: 'refused', error: taken.error }),
		(listener) => {
			takeSignal('SIGTERM', listener);
			takeSignal('SIGINT', listener);
			return { [Symbol.dispose]: () => {} };
		},
	);
}
