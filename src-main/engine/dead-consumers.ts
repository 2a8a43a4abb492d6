/**
 * Consumers that died without a word (kill -9, power cut) leave attempts that look as if they ran. Each consumer holds a lease
 * while it lives; when one runs out, whoever sees it first records its running attempts as lost. The broker hands their messages
 * out again by itself.
 */
import { profileId } from '#main/domain/ids.ts';
import type { Store } from '#main/store/store.ts';
import type { Ports } from './ports.ts';

const EVERY_MS = 5_000;
/** Lease names are `consumer:<profile id>:<worker>`; the holder is the worker. */
const PREFIX = 'consumer:';

/** Looks for them now and every five seconds, until disposed of. */
export function buryDeadConsumers(store: Store, ports: Ports): AsyncDisposable {
	let stopped = false;
	let timer: Disposable | null = null;
	let looking: Promise<void> = Promise.resolve();

	async function look(): Promise<void> {
		for (const { name, holder } of await store.leases.expired(PREFIX)) {
			const profile = profileId(name.slice(PREFIX.length, name.length - holder.length - 1));
			ports.log.warn('consumer.died', { profile, worker: holder });
			const reason = `The consumer ${holder} ended without a word while this ran.`;
			await store.history.apply([{ kind: 'abandoned', profile, at: ports.clock.now(), worker: holder, reason }]);
		}
	}

	function again(): void {
		looking = look()
			.catch((error: unknown) => ports.log.error('consumer.burial-failed', { reason: String(error) }))
			.then(() => {
				if (!stopped) timer = ports.clock.after(EVERY_MS, again);
			});
	}
	again();

	return {
		async [Symbol.asyncDispose]() {
			stopped = true;
			timer?.[Symbol.dispose]();
			await looking;
		},
	};
}
