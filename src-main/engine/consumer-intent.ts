/** From what a person asked of a consumer to an intent: words checked, durations read, flags gathered into rules. */
import { resolve } from 'node:path';
import {
	type ConsumerIntent,
	type FailureHook,
	NO_LIMITS,
	type RetryRule,
	type RunnerSpec,
	type TaskLimits,
} from '#main/domain/consumer.ts';
import type { Profile } from '#main/domain/profile.ts';
import { readDuration } from '#main/domain/query-values.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { Ports } from './ports.ts';
import { sandboxRunner } from './sandbox.ts';

/** What `consumer.run`, `consumer.save` and `consumer.import` have in common. */
export type IntentFields = Omit<HandlerInput<'consumer.import'>, 'profile' | 'carrot' | 'autoStart' | 'dryRun'>;

const RETRY = { delayMs: 1_000, factor: 2, maxDelayMs: 600_000, jitter: 0.1 };
const HOOK_MS = 30_000;
/** Longest time that a timer can wait for. */
const LONGEST_MS = 2 ** 31 - 1;

function wrong(field: string, words: string): Result<never> {
	return fail('invalid-input', `${field}: ${words}`, { details: { field } });
}

/** Milliseconds of a field like `30s`; null where it is left out. Zero only where `least` allows it. */
export function readTime(field: string, text: string | undefined, least = 1): Result<number | null> {
	if (text === undefined) return ok(null);
	const ms = readDuration(text.trim());
	if (ms === 'unit') return wrong(field, `"${text}" lacks a unit. Write ${text}s, ${text}m or ${text}h.`);
	if (ms === null) return wrong(field, `"${text}" is no time. Write it like 30s, 5m or 1h30m.`);
	if (ms < least) return wrong(field, `"${text}" is too short.`);
	if (ms > LONGEST_MS) return wrong(field, `"${text}" is too long; 24 days are the most.`);
	return ok(Math.round(ms));
}

/**
 * The intent of these fields over `base`: fields that are left out keep its values, or have their defaults without one.
 * `queues` and `untilEmpty` are the base's, or empty and false.
 */
export function readIntent(
	ports: Pick<Ports, 'host' | 'resources'>,
	profile: Profile,
	fields: IntentFields & { readonly concurrency?: number | undefined },
	base: ConsumerIntent | null,
): Result<ConsumerIntent> {
	if (profile.framework !== 'carrot') {
		return fail('unsupported', `Warren runs django-carrot's tasks so far, not ${profile.framework}'s.`);
	}
	const runner = readRunner(ports, profile, fields, base?.runner ?? null);
	if (!runner.ok) return runner;
	const limits = readLimits(fields, base?.limits ?? NO_LIMITS);
	if (!limits.ok) return limits;
	const retries = readRetries(fields, base?.retries ?? []);
	if (!retries.ok) return retries;
	const hooks = readHooks(fields, base?.hooks ?? []);
	if (!hooks.ok) return hooks;
	const concurrency = fields.concurrency ?? base?.concurrency ?? 1;
	const prefetch = fields.prefetch ?? base?.prefetch ?? null;
	if (prefetch !== null && prefetch < concurrency) {
		return wrong(
			'prefetch',
			`${prefetch} messages cannot keep ${concurrency} slots busy: give at least ${concurrency}.`,
		);
	}
	return ok({
		queues: base?.queues ?? [],
		concurrency,
		runner: runner.value,
		untilEmpty: base?.untilEmpty ?? false,
		prefetch,
		priority: fields.priority ?? base?.priority ?? null,
		limits: limits.value,
		retries: retries.value,
		hooks: hooks.value,
		onKnownOutcome: fields.onKnownOutcome ?? base?.onKnownOutcome ?? 'drop',
	});
}

/** An intent without these settings. */
export function withoutSettings(
	intent: ConsumerIntent,
	names: NonNullable<HandlerInput<'consumer.save'>['clear']>,
): ConsumerIntent {
	const gone = new Set(names);
	const limits = intent.limits ?? NO_LIMITS;
	const { runner } = intent;
	return {
		...intent,
		runner: runner.kind === 'python' && gone.has('settings') ? { ...runner, settingsModule: null } : runner,
		prefetch: gone.has('prefetch') ? null : (intent.prefetch ?? null),
		priority: gone.has('priority') ? null : (intent.priority ?? null),
		limits: {
			softMs: gone.has('softLimit') ? null : limits.softMs,
			hardMs: gone.has('hardLimit') ? null : limits.hardMs,
			memoryMb: gone.has('memory') ? null : limits.memoryMb,
			recycleAfter: gone.has('recycle') ? null : limits.recycleAfter,
		},
	};
}

/** What runs the tasks: as asked, else as before, else the sandbox's own modules there. */
function readRunner(
	ports: Pick<Ports, 'host' | 'resources'>,
	profile: Profile,
	fields: IntentFields,
	base: RunnerSpec | null,
): Result<RunnerSpec> {
	const { node, python } = fields;
	const env = fields.env ?? base?.env ?? {};
	const strange = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
	if (strange !== undefined) return wrong('env', `"${strange}" is no name of a variable.`);
	if (node !== undefined && node.length > 0) {
		if (python !== undefined)
			return fail('invalid-input', 'Tasks run in Python or in Node: give --python or --node, not both.');
		const project = resolve(fields.project ?? base?.project ?? '.');
		return ok({ kind: 'node', modules: node.map((module) => resolve(project, module)), project, env });
	}
	if (python === undefined && fields.project === undefined && fields.settings === undefined) {
		if (base !== null) return ok({ ...base, env });
		if (profile.sandbox) return ok({ ...sandboxRunner(ports.resources), env });
	}
	const before = base?.kind === 'python' ? base : null;
	if (base?.kind === 'node' && python === undefined && fields.settings === undefined) {
		return ok({ ...base, project: resolve(fields.project ?? base.project), env });
	}
	const project = fields.project ?? before?.project;
	if (project === undefined && ports.host !== 'cli') {
		return fail('invalid-input', "Choose the folder of the tasks' project.", { details: { field: 'project' } });
	}
	return ok({
		kind: 'python',
		executable: python ?? before?.executable ?? 'python3',
		project: resolve(project ?? '.'),
		settingsModule: fields.settings ?? before?.settingsModule ?? null,
		env,
	});
}

function readLimits(fields: IntentFields, base: TaskLimits): Result<TaskLimits> {
	const soft = readTime('softLimit', fields.softLimit);
	if (!soft.ok) return soft;
	const hard = readTime('hardLimit', fields.hardLimit);
	if (!hard.ok) return hard;
	const softMs = soft.value ?? base.softMs;
	const hardMs = hard.value ?? base.hardMs;
	if (softMs !== null && hardMs !== null && softMs >= hardMs) {
		const field = fields.softLimit === undefined ? 'hardLimit' : 'softLimit';
		return wrong(field, 'the soft limit asks a task to end, so it has to come before the hard one, which kills it.');
	}
	return ok({
		softMs,
		hardMs,
		memoryMb: fields.memory ?? base.memoryMb,
		recycleAfter: fields.recycle ?? base.recycleAfter,
	});
}

const RETRY_FIELDS = ['retryDelay', 'retryFactor', 'retryMaxDelay', 'retryJitter', 'retryOn', 'retryNever'] as const;

function readRetries(fields: IntentFields, base: readonly RetryRule[]): Result<readonly RetryRule[]> {
	const given = RETRY_FIELDS.filter((name) => fields[name] !== undefined);
	const old = base.find((rule) => rule.times > 0);
	const times = fields.retries ?? old?.times;
	if (fields.retries === undefined && given.length === 0) return ok(base);
	if (times === 0) return ok([]);
	if (times === undefined) return wrong(given[0] ?? 'retries', 'says how to retry; give --retries N to say how often.');
	const delay = readTime('retryDelay', fields.retryDelay, 0);
	if (!delay.ok) return delay;
	const longest = readTime('retryMaxDelay', fields.retryMaxDelay, 0);
	if (!longest.ok) return longest;
	const delayMs = delay.value ?? old?.delayMs ?? RETRY.delayMs;
	const rule: RetryRule = {
		exceptions: fields.retryOn ?? old?.exceptions ?? ['*'],
		times,
		delayMs,
		factor: fields.retryFactor ?? old?.factor ?? RETRY.factor,
		maxDelayMs: Math.max(delayMs, longest.value ?? old?.maxDelayMs ?? RETRY.maxDelayMs),
		jitter: fields.retryJitter ?? old?.jitter ?? RETRY.jitter,
	};
	const never = fields.retryNever ?? base.find((one) => one.times === 0)?.exceptions ?? [];
	return ok(never.length === 0 ? [rule] : [{ ...rule, exceptions: never, times: 0 }, rule]);
}

function readHooks(fields: IntentFields, base: readonly FailureHook[]): Result<readonly FailureHook[]> {
	const { onFailureRun, onFailurePost, onFailureCall } = fields;
	const timeout = readTime('hookTimeout', fields.hookTimeout);
	if (!timeout.ok) return timeout;
	const timeoutMs = timeout.value ?? base.find((hook) => hook.timeoutMs !== undefined)?.timeoutMs ?? HOOK_MS;
	const hooks: FailureHook[] = [];
	if (onFailureRun === undefined) hooks.push(...base.filter((hook) => hook.kind === 'command'));
	for (const line of onFailureRun ?? []) {
		const command = splitCommand(line);
		if (command === null || command.length === 0)
			return wrong('onFailureRun', `"${line}" is no command: a quote is left open.`);
		hooks.push({ kind: 'command', command, timeoutMs });
	}
	if (onFailurePost === undefined) hooks.push(...base.filter((hook) => hook.kind === 'http'));
	for (const url of onFailurePost ?? []) {
		if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
			return wrong('onFailurePost', 'takes an http or https address.');
		const { username, password } = new URL(url);
		if (username !== '' || password !== '') {
			return wrong('onFailurePost', 'the address holds a login, which would be kept in plain text. Use one without.');
		}
		hooks.push({ kind: 'http', url, timeoutMs });
	}
	if (onFailureCall === undefined) hooks.push(...base.filter((hook) => hook.kind === 'function'));
	for (const path of onFailureCall ?? []) {
		if (!/^[\w$-]+(\.[\w$-]+)+$/.test(path))
			return wrong('onFailureCall', `"${path}" is no dotted path of a function.`);
		hooks.push({ kind: 'function', path, timeoutMs });
	}
	return ok(timeout.value === null ? hooks : hooks.map((hook) => ({ ...hook, timeoutMs })));
}

/** Words of a command, split at spaces outside quotes, as a shell would without ever asking one. Null: a quote is left open. */
export function splitCommand(line: string): readonly string[] | null {
	const words: string[] = [];
	let word: string | null = null;
	let quote: string | null = null;
	for (let at = 0; at < line.length; at += 1) {
		const char = line[at] as string;
		if (char === '\\' && quote !== "'" && at + 1 < line.length && /["'\\\s]/.test(line[at + 1] ?? '')) {
			word = (word ?? '') + line[at + 1];
			at += 1;
		} else if (quote !== null) {
			if (char === quote) quote = null;
			else word = (word ?? '') + char;
		} else if (char === '"' || char === "'") {
			quote = char;
			word ??= '';
		} else if (/\s/.test(char)) {
			if (word !== null) words.push(word);
			word = null;
		} else word = (word ?? '') + char;
	}
	if (quote !== null) return null;
	return word === null ? words : [...words, word];
}
