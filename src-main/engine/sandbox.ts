/** The sandbox: a profile with the built-in broker, sample tasks, and a runner that needs nothing installed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishTasks } from '#main/actions/publish.ts';
import type { RunnerSpec } from '#main/domain/consumer.ts';
import { profileId } from '#main/domain/ids.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { checkArguments } from './arguments.ts';
import { type Core, target } from './core.ts';

export const SANDBOX_QUEUE = 'default';
const SANDBOX = profileId('sandbox');

/** One sample message of `resources/sandbox/samples.json`. */
interface Sample {
	readonly name: string;
	readonly args: string;
	readonly kwargs: string;
	readonly priority: number;
}

/** Runs the sandbox's task modules with the process's own Node. */
export function sandboxRunner(resources: string): RunnerSpec {
	const project = join(resources, 'sandbox');
	const { modules } = JSON.parse(readFileSync(join(project, 'samples.json'), 'utf8')) as {
		readonly modules: readonly string[];
	};
	return { kind: 'node', modules: modules.map((module) => join(project, module)), project, env: {} };
}

/** Makes the sandbox profile with its sample messages, unless it is there. Two processes may try at once: one wins. */
export async function ensureSandbox(core: Core): Promise<Result<void>> {
	const profiles = await core.store.profiles.list();
	if (profiles.some((profile) => profile.sandbox)) return ok(undefined);
	const holder = `${process.pid}`;
	const lease = await core.store.leases.hold('sandbox-seed', holder, 60_000);
	// Somebody else is at it: their profile will appear by itself.
	if (!lease.ok) return lease.error.code === 'busy' ? ok(undefined) : lease;
	const at = core.ports.clock.now();
	const put = await core.store.profiles.put({
		id: SANDBOX,
		name: 'sandbox',
		framework: 'carrot',
		broker: { kind: 'embedded' },
		environment: 'development',
		readOnly: false,
		monitorUrl: null,
		managementUrl: null,
		dialect: CARROT_DIALECT,
		queues: [SANDBOX_QUEUE],
		sandbox: true,
		createdAt: at,
		updatedAt: at,
	});
	if (!put.ok) return put;
	const published = await publishSamples(core);
	await core.store.leases.release('sandbox-seed', holder);
	return published;
}

async function publishSamples(core: Core): Promise<Result<void>> {
	const sandbox = await core.profiles.find(SANDBOX);
	if (!sandbox.ok) return sandbox;
	const to = target(core, sandbox.value);
	const queue = await to.driver.ensureQueue(carrotQueue(SANDBOX_QUEUE));
	if (!queue.ok) return queue;
	const file = join(core.ports.resources, 'sandbox', 'samples.json');
	const { samples } = JSON.parse(readFileSync(file, 'utf8')) as { readonly samples: readonly Sample[] };
	for (const sample of samples) {
		const checked = checkArguments(sample.args, sample.kwargs);
		if (checked.call === null) throw new Error(`The sample ${sample.name} has arguments that cannot be read.`);
		const done = await publishTasks(
			to,
			{
				name: sample.name,
				queue: SANDBOX_QUEUE,
				call: checked.call,
				argsJson: checked.argsJson,
				kwargsJson: checked.kwargsJson,
				priority: sample.priority,
				exchange: '',
				routingKey: SANDBOX_QUEUE,
				count: 1,
			},
			new AbortController().signal,
		);
		if (!done.ok) return done;
	}
	return ok(undefined);
}
