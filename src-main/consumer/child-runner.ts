/** Starts Python and Node runners: which program with which arguments, and words for what keeps it from starting. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '#main/domain/clock.ts';
import type { RunnerSpec } from '#main/domain/consumer.ts';
import type { Log } from '#main/domain/log.ts';
import { assertNever } from '#main/domain/result.ts';

import { runnerEnvironment } from './environment.ts';
import type { StartRunner } from './ports.ts';
import { type ProcessSpec, type SpawnProcess, spawnChild } from './process.ts';
import { openRunnerSession, type StartProblem } from './runner-session.ts';

export interface ChildRunnerOptions {
	/** Folder that holds `runners/python` and `runners/node`. */
	readonly resources: string;
	readonly clock: Clock;
	readonly log: Log;
	/** Node program for Node tasks; default: the one that runs Warren. Electron's own program can't be it. */
	readonly nodeExecutable?: string;
	/** Starts Node runners where a child process can't be: the Electron shell gives one that forks a utility process. */
	readonly spawnNode?: SpawnProcess;
	/** Environment to build the runners' environment from; default: Warren's own. */
	readonly environment?: Readonly<Record<string, string | undefined>>;
	/** Default: 60,000. */
	readonly readyDeadlineMs?: number;
}

/** A starter of runners of either kind. */
export function startChildRunner(options: ChildRunnerOptions): StartRunner {
	const environment = options.environment ?? process.env;
	return (spec, onStray) => {
		const { command, args } = program(spec, options);
		options.log.debug('runner.start', { kind: spec.kind, command, project: spec.project });
		return openRunnerSession({
			process: { command, args, cwd: spec.project, env: runnerEnvironment(spec, environment) },
			spawn: spec.kind === 'node' ? (options.spawnNode ?? spawnChild) : spawnChild,
			clock: options.clock,
			readyDeadlineMs: options.readyDeadlineMs ?? 60_000,
			graceMs: 2000,
			explain: (why, lastWords) => explainStart(spec, why, lastWords),
			onStray,
		});
	};
}

function program(spec: RunnerSpec, options: ChildRunnerOptions): Pick<ProcessSpec, 'command' | 'args'> {
	switch (spec.kind) {
		case 'python': {
			const script = path.join(options.resources, 'runners', 'python', 'warren_runner.py');
			const settings = spec.settingsModule === null ? [] : ['--settings', spec.settingsModule];
			return { command: spec.executable, args: ['-u', script, '--project', spec.project, ...settings] };
		}
		case 'node': {
			const script = path.join(options.resources, 'runners', 'node', 'warren-runner.mjs');
			const modules = spec.modules.flatMap((module) => ['--module', module]);
			return {
				command: options.nodeExecutable ?? process.execPath,
				args: [script, '--project', spec.project, ...modules],
			};
		}
		default:
			return assertNever(spec);
	}
}

/** Why a runner could not start and what to do, in words. */
export function explainStart(spec: RunnerSpec, why: StartProblem, lastWords: string): string {
	const program = spec.kind === 'python' ? spec.executable : 'Node';
	const words = lastWords === '' ? '' : ` It said: ${lastWords}`;
	switch (why.kind) {
		case 'told': {
			const trace = why.traceback === null ? '' : `\n${why.traceback.slice(-4000)}`;
			if (spec.kind === 'python' && spec.settingsModule !== null) {
				return `Django could not be set up with the settings module "${spec.settingsModule}": ${why.message}${trace}`;
			}
			if (spec.kind === 'node') return `A task module could not be loaded: ${why.message}${trace}`;
			return `${program} could not get ready: ${why.message}${trace}`;
		}
		case 'deadline':
			return `${program} did not get ready within ${Math.round(why.afterMs / 1000)} s.${words} ${
				spec.kind === 'python' ? 'Check that it is a Python interpreter, and what its start waits for.' : ''
			}`.trim();
		case 'ended': {
			const { end } = why;
			if (end.error !== null) {
				if (!existsSync(spec.project)) return `The project folder ${spec.project} does not exist. Choose another.`;
				if (end.error.code === 'ENOENT') {
					return `${program} was not found. Install it, or choose another interpreter.`;
				}
				if (end.error.code === 'EACCES') return `${program} may not be executed. Check its permissions.`;
				return `${program} could not be started: ${end.error.message}`;
			}
			const how = end.signal === null ? `with exit code ${end.exitCode}` : `by ${end.signal}`;
			return `${program} ended ${how} before it was ready.${words}`;
		}
		default:
			return assertNever(why);
	}
}
