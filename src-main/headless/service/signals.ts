/** Signals of the service's own two processes. */
import process from 'node:process';

/** Takes a signal for itself: a library beneath the settings listens as well, and would send it a second time. */
export function takeSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): void {
	process.removeAllListeners(signal);
	process.on(signal, listener);
}
