/** Asks a Celery profile's workers what they hold, by three questions at once; answers serve everybody here for some seconds. */
import { readJson } from '#main/dialects/json/read.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import type { ControlOutcome } from '#main/domain/worker-control.ts';
import type { CeleryControl } from './celery-control.ts';
import type { CeleryMonitors } from './celery-monitors.ts';
import { knownNodes } from './celery-workers.ts';
import type { Ports } from './ports.ts';
import type { AskWorkers, InspectAnswers } from './worker-holdings.ts';

/** How long workers are waited for, in ms. */
const WAIT_MS = 2_000;
/** How long an answer is good, in ms: a page that looks every three seconds does not ask that often. */
const GOOD_MS = 8_000;
const METHODS = ['active', 'reserved', 'scheduled'] as const;

/** Makes the way to ask. `fresh` asks anew whatever was answered a moment ago. */
export function askByInspect(ports: Ports, monitors: CeleryMonitors, control: CeleryControl): AskWorkers {
	const { clock } = ports;
	const lately = new Map<
		ProfileId,
		{ readonly at: number; readonly made: number; readonly answer: InspectAnswers | string }
	>();

	async function ask(profile: Profile, signal: AbortSignal): Promise<InspectAnswers | string> {
		const { known, watched } = await knownNodes({ ports, monitors }, profile);
		const at = clock.now();
		const rounds: Result<readonly ControlOutcome[]> = await all(
			METHODS.map((method) =>
				control.ask(profile, {
					method,
					// What tasks were called with is not needed, and may be of many MB.
					arguments: method === 'active' ? { safe: true } : {},
					destination: null,
					pattern: null,
					timeoutMs: WAIT_MS,
					known,
					watched,
					signal,
				}),
			),
		);
		if (!rounds.ok) return `Workers could not be asked: ${rounds.error.message}`;
		const [active, reserved, scheduled] = rounds.value.map(answersOf);
		if (active === undefined || reserved === undefined || scheduled === undefined) return 'Workers were not asked.';
		const heard = [...active.keys()].filter((node) => reserved.has(node) && scheduled.has(node));
		const receivers = rounds.value[0]?.receivers ?? null;
		if (heard.length === 0 && receivers !== 0) {
			return 'No worker answered: none runs, or none takes remote control.';
		}
		const alive = [...known].filter(([, state]) => watched && (state === 'online' || state === 'late'));
		const silent = alive.map(([node]) => node).filter((node) => !heard.includes(node));
		const more = (receivers ?? 0) - heard.length - silent.length;
		if (more > 0) silent.push(`${more} more`);
		return { active, reserved, scheduled, silent, at };
	}

	return async (profile, signal, fresh = false) => {
		const now = clock.monotonic();
		const last = lately.get(profile.id);
		if (!fresh && last !== undefined && last.made === profile.updatedAt && now - last.at < GOOD_MS) return last.answer;
		const answer = await ask(profile, signal);
		if (!signal.aborted) lately.set(profile.id, { at: clock.monotonic(), made: profile.updatedAt, answer });
		return answer;
	};
}

async function all<T>(asked: readonly Promise<Result<T>>[]): Promise<Result<readonly T[]>> {
	const values: T[] = [];
	for (const one of await Promise.all(asked)) {
		if (!one.ok) return one;
		values.push(one.value);
	}
	return ok(values);
}

/** What each node answered, as plain values; numbers, which nobody needs here, are left out. */
function answersOf(outcome: ControlOutcome): ReadonlyMap<string, unknown> {
	const answers = new Map<string, unknown>();
	for (const { node, answers: given } of outcome.items) {
		const lists = given.filter((one) => one.ok).map(({ json }) => readJson(json));
		// Several processes of one name: what each holds counts.
		if (lists.length > 0)
			answers.set(
				node,
				lists.flatMap((one) => (one.ok ? [plain(one.value)].flat() : [])),
			);
	}
	return answers;
}

function plain(value: Value): unknown {
	switch (value.kind) {
		case 'str':
		case 'bool':
			return value.value;
		case 'list':
			return value.items.map(plain);
		case 'dict':
			return Object.fromEntries(
				value.entries.flatMap(([key, of]) => (key.kind === 'str' ? [[key.value, plain(of)]] : [])),
			);
		default:
			return null;
	}
}
