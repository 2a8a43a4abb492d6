/** Arguments as a person types them: read, checked, and shown as the body that would be sent. */
import { readJson } from '#main/dialects/json/read.ts';
import { toPlain, writeJson } from '#main/dialects/json/write.ts';
import { type MessageDialect, messageDialect } from '#main/dialects/messages.ts';
import { readLiterals } from '#main/dialects/python/read.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { type Failure, ok, type Result } from '#main/domain/result.ts';
import { type CallArguments, isJson, type Value } from '#main/domain/value.ts';
import type { ArgumentProblem } from '#main/ipc/contract/task.ts';

export interface CheckedArguments {
	readonly args: readonly Value[] | null;
	readonly kwargs: Value | null;
	/** Both together; null while there is a problem. */
	readonly call: CallArguments | null;
	/** JSON text of an array and of an object, `[]` and `{}` while there is a problem. */
	readonly argsJson: string;
	readonly kwargsJson: string;
	readonly argsProblem: ArgumentProblem | null;
	readonly kwargsProblem: ArgumentProblem | null;
	/** The message body; null while there is a problem. */
	readonly body: string | null;
}

const CARROT = messageDialect({ framework: 'carrot', dialect: CARROT_DIALECT });

/** Reads positional arguments as Python literals and keyword arguments as a JSON object without duplicate keys. */
export function checkArguments(
	argsText: string,
	kwargsText: string,
	dialect: Pick<MessageDialect, 'body' | 'beyondJson'> = CARROT,
): CheckedArguments {
	const args = readLiterals(argsText);
	const kwargs = readJson(kwargsText.trim() === '' ? '{}' : kwargsText, { duplicates: 'refuse' });
	const problem = { args: args.ok ? null : problemOf(args.error), kwargs: kwargs.ok ? null : problemOf(kwargs.error) };
	if (kwargs.ok && kwargs.value.kind !== 'dict') {
		problem.kwargs = {
			message: 'Keyword arguments are a JSON object: {"name": value}.',
			line: 1,
			column: 1,
			offset: 0,
		};
	}
	const seen = {
		args: args.ok ? args.value : null,
		kwargs: kwargs.ok ? kwargs.value : null,
		argsProblem: problem.args,
		kwargsProblem: problem.kwargs,
	};
	const nothing = { ...seen, call: null, argsJson: '[]', kwargsJson: '{}', body: null };
	if (!args.ok || !kwargs.ok || kwargs.value.kind !== 'dict') return nothing;

	const argsJson = jsonOf({ kind: 'list', items: args.value }, dialect);
	// Kept readable (not \uXXXX), so that a search for 'ü' finds it; the body itself is written as carrot writes it.
	// Python's literals hold more than JSON does (sets, bytes): say so here, not when the message is sent.
	if (!argsJson.ok) return { ...nothing, argsProblem: problemOf(argsJson.error) };
	const kwargsJson = jsonOf(kwargs.value, dialect);
	if (!kwargsJson.ok) return { ...nothing, kwargsProblem: problemOf(kwargsJson.error) };
	const call: CallArguments = {
		args: args.value,
		kwargs: kwargs.value.entries.map(([key, value]) => [key.kind === 'str' ? key.value : '', value]),
	};
	const body = dialect.body(call);
	// Where JSON does not set the limits, the dialect does.
	if (!body.ok && dialect.beyondJson === true) return { ...nothing, argsProblem: problemOf(body.error) };
	return {
		...seen,
		call,
		argsJson: argsJson.value,
		kwargsJson: kwargsJson.value,
		body: body.ok ? body.value : null,
	};
}

/** Longer texts are no longer taken as arguments; see `literals` and `kwargsJson` of the contract. */
const MOST_EDITED = 1_000_000;

/** Whether a text says all of a call, so that it can be edited as one and taken back. */
export function isEditable({ args, kwargs }: CallArguments): boolean {
	if (!isJson([...args, ...kwargs.map(([, value]) => value)])) return false;
	const entries = kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const);
	return [{ kind: 'list', items: args } as const, { kind: 'dict', entries } as const].every((value) => {
		const written = writeJson(value, 'readable');
		return written.ok && written.value.length <= MOST_EDITED;
	});
}

/** JSON text; of what JSON cannot say, what it looks like, where the dialect takes it all the same. */
function jsonOf(value: Value, { beyondJson }: Pick<MessageDialect, 'beyondJson'>): Result<string> {
	const written = writeJson(value, 'readable');
	return written.ok || beyondJson !== true ? written : ok(toPlain(value));
}

function problemOf(error: Failure): ArgumentProblem {
	const { line, column, offset } = error.details ?? {};
	return { message: error.message, line: number(line, 1), column: number(column, 1), offset: number(offset, 0) };
}

function number(value: unknown, otherwise: number): number {
	return typeof value === 'number' ? value : otherwise;
}
