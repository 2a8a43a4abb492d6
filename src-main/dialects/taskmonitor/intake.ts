/**
 * aa-taskmonitor's truncation on what comes into history. Only what is shown and searched is shortened: messages, and what a sender printed,
 * stay as they are, since a task is run again by those. What nests nothing is handed on as the very same object.
 */
import type { ObservedCall, TaskFact } from '#main/domain/observed.ts';
import type { AttemptOutcome, DecodedTask, HistoryOp, TaskResult } from '#main/domain/task.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { readJson } from '../json/read.ts';
import { writeJson } from '../json/write.ts';
import { readLiteral } from '../python/read.ts';
import { writeLiteral } from '../python/write.ts';
import { truncateCall, truncateResult } from './truncate.ts';

/** A fact with what it says of arguments and results truncated. */
export function truncateOp(op: HistoryOp): HistoryOp {
	switch (op.kind) {
		case 'published': {
			const task = truncateTask(op.task);
			return task === op.task ? op : { ...op, task };
		}
		case 'waiting':
		case 'started': {
			if (op.task === null) return op;
			const task = truncateTask(op.task);
			return task === op.task ? op : { ...op, task };
		}
		case 'finished': {
			const outcome = truncateOutcome(op.outcome);
			return outcome === op.outcome ? op : { ...op, outcome };
		}
		case 'observed': {
			const call = op.call === null ? null : truncateObserved(op.call);
			const facts = op.facts.map(truncateFact);
			if (call === op.call && facts.every((fact, at) => fact === op.facts[at])) return op;
			return { ...op, call, facts };
		}
		default:
			return op;
	}
}

function truncateTask(task: DecodedTask): DecodedTask {
	if (!nests(task.call)) return task;
	const call = truncateCall(task.call);
	const texts = jsonOf(call);
	// What JSON cannot hold it could not hold before either: then the dialect's own texts stay.
	return texts.argsJson === null || texts.kwargsJson === null
		? { ...task, call }
		: { ...task, call, argsJson: texts.argsJson, kwargsJson: texts.kwargsJson };
}

function truncateObserved(call: ObservedCall): ObservedCall {
	if (call.call === null || !nests(call.call)) return call;
	const short = truncateCall(call.call);
	return { ...call, call: short, ...jsonOf(short) };
}

function truncateOutcome(outcome: AttemptOutcome): AttemptOutcome {
	if (outcome.state !== 'succeeded' || outcome.result === null) return outcome;
	const result = truncateReturned(outcome.result);
	return result === outcome.result ? outcome : { ...outcome, result };
}

function truncateReturned(result: TaskResult): TaskResult {
	if (result.kind !== 'json' || !isContainer(result.text)) return result;
	const text = shorter(result.text);
	return text === result.text ? result : { ...result, text };
}

function truncateFact(fact: TaskFact): TaskFact {
	if (fact.resultJson !== undefined && isContainer(fact.resultJson)) {
		const resultJson = shorter(fact.resultJson);
		return resultJson === fact.resultJson ? fact : { ...fact, resultJson };
	}
	// Events print results in Python's notation: what is a literal is read, anything else stays text.
	if (fact.result === undefined || !/^\s*[[{(]/.test(fact.result)) return fact;
	const read = readLiteral(fact.result);
	if (!read.ok) return fact;
	const [before, after] = [writeLiteral(read.value), writeLiteral(truncateResult(read.value))];
	return before === after ? fact : { ...fact, result: after };
}

/** JSON text of a container, truncated; as it was where that changes nothing, so that digits and spaces stay. */
function shorter(text: string): string {
	const read = readJson(text);
	if (!read.ok) return text;
	const short = truncateResult(read.value);
	const [before, after] = [writeJson(read.value, 'readable'), writeJson(short, 'readable')];
	return before.ok && after.ok && before.value !== after.value ? after.value : text;
}

function isContainer(json: string): boolean {
	return /^\s*[[{]/.test(json);
}

function nests(call: CallArguments): boolean {
	return call.args.some(holds) || call.kwargs.some(([, value]) => holds(value));
}

/** Whether a value is a container that is not the empty list or dict that it would become. */
function holds(value: Value): boolean {
	switch (value.kind) {
		case 'dict':
			return value.entries.length > 0;
		case 'list':
			return value.items.length > 0;
		case 'tuple':
		case 'set':
		case 'frozenset':
			return true;
		default:
			return false;
	}
}

function jsonOf(call: CallArguments): { readonly argsJson: string | null; readonly kwargsJson: string | null } {
	const args = writeJson({ kind: 'list', items: call.args }, 'readable');
	const entries = call.kwargs.map(
		([name, value]) => [{ kind: 'str', value: name }, value] as const satisfies readonly [Value, Value],
	);
	const kwargs = writeJson({ kind: 'dict', entries }, 'readable');
	return { argsJson: args.ok ? args.value : null, kwargsJson: kwargs.ok ? kwargs.value : null };
}
