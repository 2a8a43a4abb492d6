/** Settings in `settings.json` of the home folder, by conf; the window's host reads and writes the same file. */
import Conf from 'conf';
import { DEFAULT_SETTINGS, type Settings, type SettingsStore } from '#main/engine/ports.ts';

/** Opens the settings of a home folder. A file that cannot be read as settings is started anew from the defaults. */
export function confSettings(home: string): SettingsStore {
	const conf = new Conf<Settings>({
		cwd: home,
		configName: 'settings',
		defaults: DEFAULT_SETTINGS,
		configFileMode: 0o600,
		clearInvalidConfig: true,
	});
	return {
		get: () => ({ ...DEFAULT_SETTINGS, ...conf.store }),
		set(change) {
			conf.set(change);
			return { ...DEFAULT_SETTINGS, ...conf.store };
		},
	};
}
