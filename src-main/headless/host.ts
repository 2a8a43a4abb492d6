/** An engine in a plain Node process: what the command line and the served console stand on. */
import { ok, type Result } from '#main/domain/result.ts';
import { createEngine, type Engine } from '#main/engine/engine.ts';
import { chooseVault } from '#main/engine/file-vault.ts';
import { hostPorts } from '#main/engine/host-ports.ts';
import type { HostName, Ports } from '#main/engine/ports.ts';
import { userName } from '#main/engine/user-name.ts';
import manifest from '../../package.json' with { type: 'json' };
import { confSettings } from './settings.ts';

/** The product's version, which is also the build that page and engine must share. */
export const VERSION: string = manifest.version;

export interface Host extends AsyncDisposable {
	readonly engine: Engine;
	readonly ports: Ports;
	/** The folder it stands on. */
	readonly home: string;
	/** Who acts, for the audit. */
	readonly actor: string;
}

export interface HostOptions {
	readonly host: HostName;
	/** An existing folder. */
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
	/** Whether history is cleaned up meanwhile, as it is unless this says otherwise: what only answers one question takes nothing away. */
	readonly cleans?: boolean;
	/** Told what the log cannot hold. */
	readonly trouble: (words: string) => void;
}

/** Starts an engine over a home folder. */
export async function openHost(options: HostOptions): Promise<Result<Host>> {
	const { host, home, trouble } = options;
	const base = hostPorts({ host, home, version: VERSION, settings: confSettings(home), trouble });
	const ports: Ports = { ...base, vault: chooseVault(home, options.env) };
	const { log } = ports;
	log.info('host.started', { host, version: VERSION, node: process.versions.node });
	const engine = await createEngine(ports, { cleans: options.cleans ?? true });
	if (!engine.ok) {
		log.error('host.failed', { reason: engine.error.message });
		return engine;
	}
	return ok({
		engine: engine.value,
		ports,
		home,
		actor: userName(),
		async [Symbol.asyncDispose]() {
			await engine.value[Symbol.asyncDispose]();
			log.info('host.stopped', { host });
		},
	});
}
