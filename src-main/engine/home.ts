/** Where a host keeps all state, unless told otherwise. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fail, ok, type Result } from '#main/domain/result.ts';

/** The system's folder for application data, with ours in it. */
export function defaultHome(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string {
	if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Warren');
	if (platform === 'win32') return join(env.APPDATA ?? join(homedir(), 'AppData', 'Roaming'), 'Warren');
	return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'Warren');
}

/**
 * The home folder as an absolute path: what was asked for, else `WARREN_HOME`, else the system's. It is made if it is
 * missing, readable by its owner only; an existing one is left as its owner set it, apart from one that others may write to.
 */
export function openHome(asked: string | undefined, env: NodeJS.ProcessEnv = process.env): Result<string> {
	const home = resolve(asked || env.WARREN_HOME || defaultHome(process.platform, env));
	try {
		mkdirSync(home, { recursive: true, mode: 0o700 });
		const mode = statSync(home).mode;
		if (process.platform !== 'win32' && (mode & 0o022) !== 0) chmodSync(home, mode & 0o700);
		return ok(home);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		return fail('refused', `The folder ${home} cannot be used: ${reason}. Choose another with --home or WARREN_HOME.`);
	}
}
