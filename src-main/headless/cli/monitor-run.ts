/** `monitor run`: collects events in the foreground, for a while or until it is told to stop. */
import type { MonitorStatus } from '#main/domain/monitor.ts';
import { fail } from '#main/domain/result.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { monitorLine } from './monitor-views.ts';
import { CommandError, type Session } from './session.ts';
import { count } from './text.ts';

/** Between two lines about how it goes, in ms. */
const TELL_MS = 10_000;
/** How long a broker may stay away at the start. */
const PATIENCE_MS = 15_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as `30s`, `10m`, `1.5h`; a number alone is seconds. Null: it is none. */
export function durationMs(text: string): number | null {
	const read = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
	if (read === null) return null;
	const ms = Number(read[1]) * (UNITS[read[2] ?? 's'] ?? 1_000);
	// Node's timers end there.
	return ms > 0 && ms <= 2_147_483_647 ? ms : null;
}

/** With `--json` one line per event of its own: `started`, `status`, `stopped`. */
export async function monitorRun(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { for: span, ...input } = given as Readonly<Record<string, unknown>> & { readonly for?: string };
	const ms = span === undefined ? null : durationMs(span);
	if (span !== undefined && ms === null) {
		throw new CommandError(
			fail('invalid-input', `--for takes a duration such as 30s, 10m or 2h, not "${span}".`).error,
		);
	}
	const profile = await session.profile();
	const ended = Promise.withResolvers<'asked' | 'lost' | 'unreached'>();
	let status: MonitorStatus | null = null;
	let connected = false;
	const tell = (event: string) => {
		if (status === null) return;
		if (session.globals.json) session.json({ event, ...status });
		else session.note(monitorLine(status));
	};
	const see = (items: readonly { readonly status: MonitorStatus }[]) => {
		const next = items.at(-1)?.status;
		if (next === undefined) return;
		const trouble = status?.trouble;
		status = next;
		if (!connected && next.trouble === null) {
			connected = true;
			tell('started');
		} else if (connected && trouble !== next.trouble) tell('status');
	};
	await using stack = new AsyncDisposableStack();
	const watch = await session.open('monitor.run', { ...input, profile } as CallerInput<'monitor.run'>, {
		snapshot: see,
		put: see,
		end: () => ended.resolve('lost'),
	});
	stack.use(watch);
	stack.use(session.io.onInterrupt(() => ended.resolve('asked')));
	const timer = setInterval(() => tell('status'), TELL_MS);
	stack.defer(() => clearInterval(timer));
	const patience = setTimeout(() => {
		if (!connected) ended.resolve('unreached');
	}, PATIENCE_MS);
	stack.defer(() => clearTimeout(patience));
	if (ms !== null) {
		const end = setTimeout(() => ended.resolve('asked'), ms);
		stack.defer(() => clearTimeout(end));
	}
	const why = await ended.promise;
	const last = status as MonitorStatus | null;
	if (why === 'unreached') {
		throw new CommandError(fail('unreachable', `The broker could not be reached. ${last?.trouble ?? ''}`.trim()).error);
	}
	tell('stopped');
	if (why === 'lost') {
		throw new CommandError(fail('gone', 'Watching ended: another process of this home does it now.').error);
	}
	if (!session.globals.json) session.say(`Took ${count(last?.eventsThisRun ?? 0)} events into history.`);
	return EXIT.done;
}
