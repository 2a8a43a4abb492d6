/** Settings and the window's place, by electron-store. `settings.json` is the file the other hosts read and write too. */
import ElectronStore from 'electron-store';
import { DEFAULT_SETTINGS, type Settings, type SettingsStore } from '#main/engine/ports.ts';

/** Opens the settings of a home folder. */
export function shellSettings(home: string): SettingsStore {
	const store = new ElectronStore<Settings>({
		cwd: home,
		name: 'settings',
		defaults: DEFAULT_SETTINGS,
		configFileMode: 0o600,
		clearInvalidConfig: true,
	});
	return {
		get: () => ({ ...DEFAULT_SETTINGS, ...store.store }),
		set(change) {
			store.set(change);
			return { ...DEFAULT_SETTINGS, ...store.store };
		},
	};
}

/** Where a window was. */
export interface WindowPlace {
	readonly x?: number;
	readonly y?: number;
	readonly width: number;
	readonly height: number;
	readonly maximized: boolean;
}

export interface PlaceStore {
	get(): WindowPlace;
	set(place: WindowPlace): void;
}

const FIRST_PLACE: WindowPlace = { width: 1440, height: 900, maximized: false };

/** Remembers the window's place in `window.json`. */
export function placeStore(home: string): PlaceStore {
	const store = new ElectronStore<{ place: WindowPlace }>({
		cwd: home,
		name: 'window',
		defaults: { place: FIRST_PLACE },
		clearInvalidConfig: true,
	});
	return { get: () => store.get('place'), set: (place) => store.set('place', place) };
}
