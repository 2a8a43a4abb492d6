/** Looks for what nobody holds: what lies in the broker first, then what every worker says, so that no clock has to be trusted. */

import type { ActionTarget } from '#main/actions/deployment.ts';
import { judgeOrphans, type Testimony, unackedDoor } from '#main/actions/orphans.ts';
import { taskIdOf } from '#main/brokers/unacked.ts';
import type { Orphan } from '#main/domain/orphan.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { CeleryControl } from './celery-control.ts';
import type { CeleryMonitors } from './celery-monitors.ts';
import { knownNodes } from './celery-workers.ts';
import type { Ports } from './ports.ts';
import { type AskWorkers, holdingsOf } from './worker-holdings.ts';

/** Messages that are looked at in one go; each comes with its body. */
const MOST = 10_000;
const LOOK_MS = 30_000;
const READY_MS = 10_000;
const WAIT_MS = 2_000;

/** What was found. */
export interface OrphanLook {
	readonly orphans: readonly Orphan[];
	/** Whatever is held, by task id and by tag. */
	readonly held: ReadonlySet<string>;
	readonly total: number;
	readonly complete: boolean;
	readonly askedAt: number | null;
}

export interface OrphanSource {
	/** `fresh`: workers are asked anew, whatever they said a moment ago. */
	look(target: ActionTarget, signal: AbortSignal, fresh: boolean): Promise<Result<OrphanLook>>;
}

/** Makes the source of one engine. */
export function createOrphanSource(
	ports: Ports,
	monitors: CeleryMonitors,
	control: CeleryControl,
	ask: AskWorkers,
): OrphanSource {
	async function testimonyOf(profile: Profile, signal: AbortSignal, fresh: boolean): Promise<Testimony | string> {
		if (profile.framework !== 'celery') return `${profile.framework} has no way to ask its workers what they hold.`;
		const answers = await ask(profile, signal, fresh);
		if (typeof answers === 'string') return answers;
		const { claimed, silent, at } = holdingsOf(answers);
		if (silent.length > 0 || answers.active.size === 0) return { claimed, limited: new Set(), silent, at };
		const limits = await rateLimited(profile, signal);
		if (!limits.ok) return `Workers could not be asked for rate limits: ${limits.error.message}`;
		const missing = [...answers.active.keys()].filter((node) => !limits.value.heard.has(node));
		return { claimed, limited: limits.value.names, silent: missing, at };
	}

	/** Names of tasks with a rate limit on any worker, as they stand now, and which workers told. */
	async function rateLimited(profile: Profile, signal: AbortSignal) {
		const { known, watched } = await knownNodes({ ports, monitors }, profile);
		const asked = await control.ask(profile, {
			method: 'registered',
			arguments: { taskinfoitems: ['rate_limit'] },
			destination: null,
			pattern: null,
			timeoutMs: WAIT_MS,
			known,
			watched,
			signal,
		});
		if (!asked.ok) return asked;
		const names = new Set<string>();
		const heard = new Set<string>();
		for (const { node, answers } of asked.value.items) {
			for (const answer of answers) {
				if (!answer.ok) continue;
				heard.add(node);
				for (const name of limitedIn(answer.json)) names.add(name);
			}
		}
		return ok({ names, heard });
	}

	return {
		async look(target, signal, fresh) {
			const door = unackedDoor(target);
			if (!door.ok) return door;
			const ready = await target.driver.ready(READY_MS);
			if (!ready.ok) return ready;
			const held = await door.value.held({ limit: MOST, deadlineMs: LOOK_MS });
			if (!held.ok) return held;
			const { items, total, complete } = held.value;
			if (items.length === 0) return ok({ orphans: [], held: new Set(), total, complete, askedAt: null });
			const others = items.some((one) => one.warren === null);
			const testimony = others ? await testimonyOf(target.profile, signal, fresh) : 'Workers were not asked.';
			const ids = items.flatMap(({ tag, message }) => {
				const id = message === null ? null : taskIdOf(message);
				return id === null ? [tag] : [tag, id];
			});
			return ok({
				orphans: judgeOrphans(target.profile, items, testimony, target.now()),
				held: new Set(ids),
				total,
				complete,
				askedAt: typeof testimony === 'string' ? null : testimony.at,
			});
		},
	};
}

/** Celery lists a task with a rate as `name [rate_limit=10/m]`; a rate of 0 is none. */
export function limitedIn(json: string): readonly string[] {
	const read: unknown = JSON.parse(json);
	if (!Array.isArray(read)) return [];
	return read.flatMap((line: unknown) => {
		const [, name, rate] = (typeof line === 'string' && /^(.*) \[rate_limit=([^\]]*)\]$/s.exec(line)) || [];
		return name === undefined || Number.parseFloat(rate ?? '') === 0 ? [] : [name];
	});
}
