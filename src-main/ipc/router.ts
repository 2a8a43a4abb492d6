/**
 * The router: the one place where an input is parsed, a command is checked against its profile, and an audit line is written.
 * What it lets through reaches a handler; what goes wrong comes back as a value.
 */
import type * as z from 'zod';
import { type Failure, fail, ok, type Result } from '../domain/result.ts';
import type { WireError } from './codes.ts';
import { needsOf } from './contract/route.ts';
import { contract, type RouteName } from './contract.ts';
import { explainIssues } from './explain.ts';
import type { CallContext, GuardedProfile, Router, RouterPorts, Sink } from './handlers.ts';
import { closest } from './nearest.ts';
import { auditInput } from './strike.ts';

type Route = (typeof contract)[RouteName];
type Command = Extract<Route, { readonly kind: 'command' }>;
type AnyHandler = (input: unknown, context: CallContext) => Promise<Result<unknown>>;
type AnyStream = (input: unknown, sink: Sink<unknown>, context: CallContext) => Promise<Result<Disposable>>;

/**
 * Commands about one profile that are not about its deployment: which field names it. These check the profile as well.
 * `profile.edit` is not among them, because it is how read-only is switched off.
 */
const NAMED_PROFILE: Readonly<Record<string, string>> = { 'profile.remove': 'name' };

/** Builds the router over the engine's handlers. */
export function createRouter(ports: RouterPorts): Router {
	return {
		async call(name, input, context, confirm) {
			const ref = newRef();
			const found = find(name);
			if (!found.ok) return { ok: false, error: wireError(found.error, ref) };
			const route = found.value;
			if (route.kind === 'stream') {
				return { ok: false, error: wireError(wrongKind(name, 'is a stream: open it'), ref) };
			}
			const result = await guarded(ports, ref, name, context.signal, async () => {
				const parsed = parse(route, input);
				if (!parsed.ok) return parsed;
				const allowed = await admit(ports, name, route, parsed.value, confirm);
				if (!allowed.ok) return allowed;
				if (context.signal.aborted) return fail('cancelled', 'It was cancelled before it began.');
				const handler = ports.calls[name as keyof typeof ports.calls] as AnyHandler;
				return handler(parsed.value, context);
			});
			if (route.kind === 'command') await writeAudit(ports, ref, name, input, context, result);
			return result.ok ? { ok: true, data: result.value } : { ok: false, error: wireError(result.error, ref) };
		},

		async open(name, input, sink, context) {
			const ref = newRef();
			const found = find(name);
			if (!found.ok) return { ok: false, error: wireError(found.error, ref) };
			const route = found.value;
			if (route.kind !== 'stream') {
				return { ok: false, error: wireError(wrongKind(name, 'is no stream: call it'), ref) };
			}
			const result = await guarded(ports, ref, name, context.signal, async () => {
				const parsed = parse(route, input);
				if (!parsed.ok) return parsed;
				const handler = ports.streams[name as keyof typeof ports.streams] as AnyStream;
				return handler(parsed.value, sink, context);
			});
			return result.ok ? { ok: true, value: result.value } : { ok: false, error: wireError(result.error, ref) };
		},
	};
}

/** The route of a name; own properties only, so that `constructor` is as unknown as any other word. */
function find(name: string): Result<Route> {
	if (Object.hasOwn(contract, name)) return ok(contract[name as RouteName]);
	const near = closest(name, Object.keys(contract));
	const hint = near === null ? '' : ` Did you mean "${near}"?`;
	return fail('not-found', `There is no route "${name.slice(0, 100)}".${hint}`, {
		details: { route: name.slice(0, 100) },
	});
}

function wrongKind(name: string, words: string): Failure {
	return { code: 'invalid-input', message: `"${name}" ${words}.`, retryable: false };
}

function parse(route: Route, input: unknown): Result<unknown> {
	const schema: z.ZodType = route.input;
	const parsed = schema.safeParse(input);
	if (parsed.success) return ok(parsed.data);
	const explained = explainIssues(parsed.error.issues, Object.keys(route.input.shape));
	return fail('invalid-input', explained.message, {
		details: { field: explained.field, problems: explained.problems.slice(0, 20) },
	});
}

/** Whether a call may go on: the profile exists, takes changes, and was named where that is asked for. */
async function admit(
	ports: RouterPorts,
	name: string,
	route: Exclude<Route, { readonly kind: 'stream' }>,
	input: unknown,
	confirm: string | undefined,
): Promise<Result<void>> {
	const field = route.scope === 'deployment' ? 'profile' : NAMED_PROFILE[name];
	if (field === undefined) return ok(undefined);
	const named = (input as Readonly<Record<string, unknown>>)[field];
	if (typeof named !== 'string') return fail('invalid-input', `${field}: is missing (text).`, { details: { field } });
	const profile = await ports.profile(named);
	if (!profile.ok) return profile;
	return route.kind === 'command' ? admitCommand(profile.value, route, input, confirm) : ok(undefined);
}

function admitCommand(
	profile: GuardedProfile,
	route: Command,
	input: unknown,
	confirm: string | undefined,
): Result<void> {
	const details = { profile: profile.name };
	if (profile.readOnly) {
		return fail(
			'read-only',
			`The profile "${profile.name}" is read-only, so nothing was changed. Edit it to allow changes.`,
			{
				details,
			},
		);
	}
	// A dry run changes nothing: the name is asked for after what it says has been read.
	const fields = input as Readonly<Record<string, unknown>>;
	const looks = fields.dryRun === true;
	if (
		needsOf(route, fields) === 'destroy' &&
		!looks &&
		profile.environment === 'production' &&
		confirm !== profile.name
	) {
		const wrong = confirm === undefined ? 'needs its name as confirmation' : 'was confirmed with another name';
		return fail(
			'not-confirmed',
			`"${profile.name}" is a production profile and this ${wrong}: type ${profile.name} (on the command line: --confirm ${shellWord(profile.name)}). Nothing was changed.`,
			{ details },
		);
	}
	return ok(undefined);
}

function shellWord(text: string): string {
	return /^[\w.@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Runs a piece of work whose exceptions are defects, told to the log under `ref`. */
async function guarded<T>(
	ports: RouterPorts,
	ref: string,
	route: string,
	signal: AbortSignal,
	work: () => Promise<Result<T>>,
): Promise<Result<T>> {
	try {
		return await work();
	} catch (error) {
		if (signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))) {
			return fail('cancelled', 'It was cancelled.');
		}
		report(ports, ref, route, error);
		return fail('internal', `Warren made a mistake of its own. Its log has the details under ${ref}.`);
	}
}

/** A log that fails must not turn an answer into a rejection. */
function report(ports: RouterPorts, ref: string, route: string, error: unknown): void {
	try {
		ports.defect(ref, route, error);
	} catch (second) {
		console.error(`${route} failed (${ref}) and could not be logged: ${String(second)}`);
	}
}

/** One line per command, the refused ones too. A line that cannot be written is a defect, but what was done stays done. */
async function writeAudit(
	ports: RouterPorts,
	ref: string,
	route: string,
	input: unknown,
	context: CallContext,
	result: Result<unknown>,
): Promise<void> {
	try {
		await ports.audit({
			at: ports.now(),
			host: context.host,
			actor: context.actor,
			route,
			profile: profileIn(route, input),
			input: auditInput(input),
			outcome: result.ok ? 'done' : result.error.code,
			changed: result.ok ? changedBy(result.value) : null,
		});
	} catch (error) {
		report(ports, ref, route, error);
	}
}

function profileIn(route: string, input: unknown): string | null {
	if (typeof input !== 'object' || input === null) return null;
	const fields = input as Readonly<Record<string, unknown>>;
	const named = fields.profile ?? (route.startsWith('profile.') ? fields.name : undefined);
	return typeof named === 'string' ? named.slice(0, 80) : null;
}

/** How many things an answer says were changed. */
function changedBy(answer: unknown): number | null {
	if (typeof answer !== 'object' || answer === null) return null;
	const { done, published, dryRun } = answer as Readonly<Record<string, unknown>>;
	if (dryRun === true) return 0;
	if (typeof done === 'number') return done;
	return typeof published === 'number' ? published : null;
}

function wireError(failure: Failure, ref: string): WireError {
	return { ...failure, ref };
}

/** Names one error in log and message. */
function newRef(): string {
	return crypto.randomUUID().slice(0, 8);
}
