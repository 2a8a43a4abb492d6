/**
 * Tasks that began before anybody listened: workers are asked for them, since no event will tell their name and arguments any more. Once
 * for all that they hold when watching begins, then each minute for those that are open in history without a name.
 */
import { taskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { ControlOutcome } from '#main/domain/worker-control.ts';
import {
	type HeldAs,
	type HeldTask,
	heldInLists,
	heldInQuery,
	observedAnswer,
} from '#main/monitor/celery/answered-fold.ts';
import { UNKNOWN_NAME } from '#main/store/content.ts';
import type { Store } from '#main/store/store.ts';
import type { CeleryControl } from './celery-control.ts';
import type { CeleryMonitors } from './celery-monitors.ts';
import { knownNodes } from './celery-workers.ts';
import type { Ports } from './ports.ts';

const EVERY_MS = 60_000;
/** How long workers are waited for, in ms. */
const PATIENCE_MS = 3_000;
/** Tasks asked for in one round: what is beyond is asked for in the next. */
const MOST = 500;
const NAMELESS = `name:"${UNKNOWN_NAME}" (state:queued OR state:running OR state:retrying)`;
const LISTS: readonly HeldAs[] = ['active', 'reserved', 'scheduled'];

interface Parts {
	readonly ports: Ports;
	readonly store: Store;
	readonly monitors: CeleryMonitors;
	readonly control: CeleryControl;
}

/** Asks now and then each minute, until disposed of. */
export function askingOfEarlier(parts: Parts, profile: Profile): Disposable {
	const { clock, log } = parts.ports;
	const ended = new AbortController();
	let timer: Disposable | null = null;
	let all = true;
	const round = () => {
		complete(parts, profile, all, ended.signal)
			.then((done) => {
				// What could not be asked for at first is asked for later.
				if (done.ok) all = false;
				if (done.ok && done.value > 0) log.info('workers.told-of-earlier', { profile: profile.id, tasks: done.value });
			})
			.catch((error: unknown) => log.error('workers.earlier-failed', { profile: profile.id, reason: String(error) }))
			.finally(() => {
				if (!ended.signal.aborted) timer = clock.after(EVERY_MS, round);
			});
	};
	round();
	return {
		[Symbol.dispose]() {
			ended.abort();
			timer?.[Symbol.dispose]();
		},
	};
}

/** How many tasks history was told of. */
async function complete(parts: Parts, profile: Profile, all: boolean, signal: AbortSignal): Promise<Result<number>> {
	const { store, ports } = parts;
	const at = ports.clock.now();
	const nameless = await store.history.ids(profile.id, NAMELESS, MOST);
	if (!nameless.ok) return nameless;
	const wanted = new Set<string>(nameless.value);
	const listed: HeldTask[] = [];
	if (all) {
		for (const as of LISTS) {
			// What running tasks were called with may be of many MB: it is asked for of those alone that need it.
			const told = await ask(parts, profile, as, as === 'active' ? { safe: true } : {}, signal);
			if (!told.ok) return told;
			listed.push(...heldInLists(as, told.value));
		}
		for (const id of await strangers(parts, profile, listed)) if (wanted.size < MOST) wanted.add(id);
	}
	if (wanted.size === 0 || signal.aborted) return ok(0);
	const told = await ask(parts, profile, 'query_task', { ids: [...wanted] }, signal);
	if (!told.ok) return told;
	const found = new Map(heldInQuery(told.value).map((one) => [one.info.id, one]));
	// Workers do not find tasks that wait for their time when asked by id.
	for (const one of listed) if (one.as === 'scheduled' && wanted.has(one.info.id)) found.set(one.info.id, one);
	if (found.size > 0 && !signal.aborted) {
		await store.history.apply([...found.values()].map((one) => observedAnswer(profile.id, one, at)));
	}
	return ok(found.size);
}

/** Those that history does not know at all. */
async function strangers(parts: Parts, profile: Profile, held: readonly HeldTask[]): Promise<readonly string[]> {
	const ids = held.map(({ info }) => info.id);
	const unknown: string[] = [];
	for (let from = 0; from < ids.length && unknown.length < MOST; from += MOST) {
		const some = ids.slice(from, from + MOST);
		const known = new Set<string>((await parts.store.history.rows(profile.id, some.map(taskId))).map(({ id }) => id));
		for (const id of some) {
			// A task that was sent again runs under a new id.
			if (!known.has(id) && (await parts.store.history.taskOfMessage(profile.id, id)) === null) unknown.push(id);
		}
	}
	return unknown;
}

async function ask(
	parts: Parts,
	profile: Profile,
	method: string,
	given: Readonly<Record<string, unknown>>,
	signal: AbortSignal,
): Promise<Result<ControlOutcome>> {
	const { known, watched } = await knownNodes(parts, profile);
	return parts.control.ask(profile, {
		method,
		arguments: given,
		destination: null,
		pattern: null,
		timeoutMs: PATIENCE_MS,
		known,
		watched,
		signal,
	});
}
