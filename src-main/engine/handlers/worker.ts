/** Handlers of the routes that ask and tell workers. */
import { membersOf } from '#main/dialects/json/members.ts';
import { readJson } from '#main/dialects/json/read.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import type { ControlOutcome, NodeAnswers, RevokedTask } from '#main/domain/worker-control.ts';
import { inspectMethod, methodArguments, type WorkerMethod, waitOf } from '#main/domain/worker-methods.ts';
import type { InspectItem } from '#main/ipc/contract/worker.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { type CeleryControl, type ControlAsk, celeryOnly } from '../celery-control.ts';
import { hearEndings } from '../celery-endings.ts';
import type { CeleryMonitors } from '../celery-monitors.ts';
import { knownNodes, withDetails, workersOf } from '../celery-workers.ts';
import type { Core } from '../core.ts';

interface Whom {
	readonly destination?: readonly string[] | undefined;
	readonly pattern?: string | undefined;
	readonly matcher?: 'glob' | 'pcre' | undefined;
	readonly timeout?: number | undefined;
}

type Prepared = Omit<ControlAsk, 'signal' | 'onChange'>;

export function workerHandlers(
	core: Core,
	monitors: CeleryMonitors,
	control: CeleryControl,
): Pick<CallHandlers, 'worker.list' | 'worker.control' | 'task.revoke'> {
	const { ports, profiles } = core;
	return {
		'worker.list': async (input, { signal }) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const found = await workersOf({ ports, profiles, monitors }, profile.value, input.listen * 1_000, signal);
			if (!found.ok || input.details !== true) return found;
			return withDetails({ ports, monitors, control }, profile.value, found.value, signal);
		},
		'worker.control': async (
			{ profile: name, method, destination, pattern, matcher, timeout, ...given },
			{ signal },
		) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			const whom = { destination, pattern, matcher, timeout };
			const ask = await prepare(core, monitors, profile.value, method, given, whom);
			if (!ask.ok) return ask;
			return method === 'shutdown'
				? shutDown(core, control, profile.value, { ...ask.value, signal })
				: control.ask(profile.value, { ...ask.value, signal });
		},
		'task.revoke': async ({ profile: name, ids, terminate, signal: ending, destination, timeout }, { signal }) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			if (ending !== undefined && terminate !== true) {
				return fail('invalid-input', '--signal is for --terminate: without it no process is ended. Nothing was sent.', {
					details: { field: 'signal' },
				});
			}
			const wanted = [...new Set(ids)];
			const whom = { destination, timeout };
			const given = { ids: wanted, terminate: terminate ?? false, signal: ending };
			const ask = await prepare(core, monitors, profile.value, 'revoke', given, whom);
			if (!ask.ok) return ask;
			const before = await control.ask(profile.value, {
				...ask.value,
				method: 'query_task',
				arguments: { ids: wanted },
				signal,
			});
			if (!before.ok) return before;
			const outcome = await control.ask(profile.value, { ...ask.value, signal });
			return outcome.ok
				? ok({ ...outcome.value, done: wanted.length, tasks: seenBefore(wanted, before.value) })
				: outcome;
		},
	};
}

export function workerStreams(
	core: Core,
	monitors: CeleryMonitors,
	control: CeleryControl,
): Pick<StreamHandlers, 'worker.inspect'> {
	return {
		'worker.inspect': async (input, sink) => {
			const { profile: name, method: named, destination, pattern, matcher, timeout, ...given } = input;
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			const whom = { destination, pattern, matcher, timeout };
			const ask = await prepare(core, monitors, profile.value, inspectMethod(named), given, whom);
			if (!ask.ok) return ask;
			const abort = new AbortController();
			let closed = false;
			sink.snapshot([]);
			const put = (items: readonly InspectItem[]) => {
				if (!closed) sink.put(items);
			};
			control
				.ask(profile.value, {
					...ask.value,
					signal: abort.signal,
					onChange: (node, summary) =>
						put([...(node === null ? [] : [itemOf(node)]), { key: '', node: null, summary, failure: null }]),
				})
				.then(
					(outcome) => {
						if (outcome.ok) {
							const { items, ...summary } = outcome.value;
							// Those that answered were told of when they did.
							const rest = items.filter((one) => one.answers.length === 0);
							put([...rest.map(itemOf), { key: '', node: null, summary, failure: null }]);
						} else put([{ key: '', node: null, summary: null, failure: outcome.error }]);
						if (!closed) sink.end();
					},
					(error: unknown) => {
						core.ports.log.error('inspect.failed', { profile: profile.value.id, reason: String(error) });
						if (!closed) sink.end();
					},
				);
			return ok({
				[Symbol.dispose]() {
					closed = true;
					abort.abort();
				},
			});
		},
	};
}

function itemOf(node: NodeAnswers): InspectItem {
	return { key: node.node, node, summary: null, failure: null };
}

/** Checks what is to be sent, before anything is, and finds out who may answer. */
async function prepare(
	core: Core,
	monitors: CeleryMonitors,
	profile: Profile,
	method: WorkerMethod,
	given: Readonly<Record<string, unknown>>,
	{ destination, pattern, matcher, timeout }: Whom,
): Promise<Result<Prepared>> {
	const usable = celeryOnly(profile);
	if (!usable.ok) return usable;
	const sent = methodArguments(method, given);
	if (!sent.ok) return sent;
	if (matcher !== undefined && pattern === undefined) {
		return fail('invalid-input', '--matcher says how to read --pattern: give both, or neither. Nothing was sent.', {
			details: { field: 'matcher' },
		});
	}
	if (destination !== undefined && pattern !== undefined) {
		return fail('invalid-input', 'Give --destination or --pattern: with both, workers look at the names only.', {
			details: { field: 'pattern' },
		});
	}
	// As in Celery's own tools, names may stand together with commas between them.
	const names = destination?.flatMap((one) => one.split(',')).filter((one) => one !== '') ?? null;
	const { known, watched } = await knownNodes({ ports: core.ports, monitors }, profile);
	return ok({
		method,
		arguments: sent.value,
		destination: names === null ? null : [...new Set(names)],
		pattern: pattern === undefined ? null : { text: pattern, matcher: matcher ?? 'glob' },
		timeoutMs: timeout === undefined ? waitOf(method) : timeout * 1_000,
		known,
		watched,
	});
}

/** Nobody answers a shutdown; who says so when it ends is heard instead. */
async function shutDown(
	core: Core,
	control: CeleryControl,
	profile: Profile,
	ask: ControlAsk,
): Promise<Result<ControlOutcome>> {
	let tell: ((node: string) => void) | null = null;
	const ear = await hearEndings(core.ports, core.profiles, profile, (node) => tell?.(node));
	if (!ear.ok) return ear;
	await using _ear = ear.value;
	// Awaited here: the ear must not be taken away before.
	const outcome = await control.ask(profile, {
		...ask,
		reply: false,
		onSending(stopped) {
			tell = stopped;
		},
	});
	return outcome;
}

/** What workers said of tasks just before they were revoked. */
function seenBefore(ids: readonly string[], before: ControlOutcome): readonly RevokedTask[] {
	const wanted = new Set(ids);
	const found = new Map<string, RevokedTask>();
	for (const { node, answers } of before.items) {
		for (const { ok: fine, json } of answers) {
			if (!fine) continue;
			for (const { key: id, start, end } of membersOf(json)) {
				if (!wanted.has(id) || found.has(id)) continue;
				const seen = readJson(json.slice(start, end));
				if (!seen.ok || seen.value.kind !== 'list') continue;
				const [where, info] = seen.value.items;
				const named = info?.kind === 'dict' ? info.entries.find(([key]) => textIn(key) === 'name')?.[1] : undefined;
				found.set(id, { id, where: textIn(where), node, name: textIn(named) });
			}
		}
	}
	return ids.map((id) => found.get(id) ?? { id, where: null, node: null, name: null });
}

function textIn(value: Value | undefined): string | null {
	return value?.kind === 'str' ? value.value : null;
}
