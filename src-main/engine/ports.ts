/** All that the engine needs from the process it lives in. A host (shell, serve, command line, test) supplies it. */
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import type { Result } from '#main/domain/result.ts';

/** Where secrets are kept. Secrets go in and come out here only; they are never logged, framed or exported. */
export interface Vault {
	/** Which keeping this is, said plainly in the profile form. */
	describe(): VaultDescription;
	get(key: string): Promise<Result<string | null>>;
	set(key: string, secret: string): Promise<Result<void>>;
	remove(key: string): Promise<Result<void>>;
}

export interface VaultDescription {
	readonly kind: 'keychain' | 'file-with-environment-key' | 'file-with-key-file' | 'memory';
	/** One sentence for a person. */
	readonly words: string;
}

/** What a person chose; no secrets. The file is the same whichever host writes it. */
export interface Settings {
	readonly theme: 'system' | 'light' | 'dark';
	/** Profile to open at start; null: the sandbox. */
	readonly lastProfile: string | null;
	/** `vscode://file/{file}:{line}` and the like; null: no editor. */
	readonly editorUrl: string | null;
	readonly logLevel: 'debug' | 'info' | 'warning' | 'error' | 'critical';
}

export const DEFAULT_SETTINGS: Settings = { theme: 'system', lastProfile: null, editorUrl: null, logLevel: 'info' };

export interface SettingsStore {
	get(): Settings;
	set(change: Partial<Settings>): Settings;
}

/** A notification of the system's, in plain text. */
export interface Notice {
	readonly title: string;
	readonly body: string;
}

export type HostName = 'shell' | 'serve' | 'cli' | 'test';

export interface Ports {
	readonly host: HostName;
	/** Folder that holds all state. */
	readonly home: string;
	/** Folder of runners and sandbox task modules (`resources/` of the project or of the package). */
	readonly resources: string;
	/** Module to start as the store's thread, and as the embedded broker's thread. */
	readonly storeThread: URL;
	readonly embeddedThread: URL;
	readonly clock: Clock;
	readonly log: Log;
	readonly vault: Vault;
	readonly settings: SettingsStore;
	readonly version: string;
	/** Tells the person at the desktop; absent: the host has no desktop of its own, and its pages tell. */
	readonly notify?: (notice: Notice) => void;
}
