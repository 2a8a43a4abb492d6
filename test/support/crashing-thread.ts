/** The built-in broker's thread as it is, with a way to make it die: any message on the channel `crash <file>`. */
import { BroadcastChannel, workerData } from 'node:worker_threads';

const channel = new BroadcastChannel(`crash ${(workerData as { file: string }).file}`);
channel.onmessage = () => {
	throw new Error('This thread was told to crash.');
};
channel.unref();
// Only now: a driver that is ready can be told to crash.
await import('../../src-main/brokers/embedded/thread.ts');
