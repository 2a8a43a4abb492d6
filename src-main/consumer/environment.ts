/** The environment of a runner: built up from little, so that a task never sees Warren's own variables and secrets. */
import path from 'node:path';
import type { RunnerSpec } from '#main/domain/consumer.ts';

/** What a process needs to run at all, and to read and write text and time as its user does. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TMP', 'TEMP'];
/** Without these, Windows programs don't start. */
const PASSED_ON_WINDOWS = ['SystemRoot', 'SystemDrive', 'PATHEXT', 'ComSpec', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA'];

/** The environment for a runner of this kind. `own` is the environment of Warren's process. */
export function runnerEnvironment(
	spec: RunnerSpec,
	own: Readonly<Record<string, string | undefined>>,
	platform: NodeJS.Platform = process.platform,
): Record<string, string> {
	const names = platform === 'win32' ? [...PASSED_ON, ...PASSED_ON_WINDOWS] : PASSED_ON;
	const env: Record<string, string> = {};
	for (const [name, value] of Object.entries(own)) {
		if (value !== undefined && (names.includes(name) || name.startsWith('LC_'))) env[name] = value;
	}
	Object.assign(env, spec.env);
	if (spec.kind === 'python') {
		env.PYTHONUNBUFFERED = '1';
		const given = spec.env.PYTHONPATH;
		// Also for processes that tasks start; the runner itself puts the project first anyway.
		env.PYTHONPATH = given === undefined || given === '' ? spec.project : spec.project + path.delimiter + given;
		if (spec.settingsModule !== null) env.DJANGO_SETTINGS_MODULE = spec.settingsModule;
	}
	return env;
}
