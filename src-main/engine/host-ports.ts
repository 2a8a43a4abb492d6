/** What every host supplies in the same way: the machine's clock, the log, and where the product's files lie. */
import { systemClock } from '#main/domain/clock.ts';
import { fileLog } from './file-log.ts';
import { places } from './places.ts';
import type { HostName, Ports, SettingsStore } from './ports.ts';

/** All ports but the vault, which some hosts have only later. `trouble` is told what the log cannot hold. */
export function hostPorts(options: {
	readonly host: HostName;
	readonly home: string;
	readonly version: string;
	readonly settings: SettingsStore;
	readonly trouble: (words: string) => void;
}): Omit<Ports, 'vault'> {
	const { host, home, version, settings, trouble } = options;
	const { resources, storeThread, embeddedThread } = places();
	const log = fileLog({ home, level: settings.get().logLevel, now: systemClock.now, trouble });
	return { host, home, version, settings, log, resources, storeThread, embeddedThread, clock: systemClock };
}
