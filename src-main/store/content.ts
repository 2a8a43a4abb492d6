/** What a decoded (or unreadable) message says, in the columns that keep it. */
import type { BrokerMessage, OutgoingMessage } from '#main/domain/message.ts';
import type { AttemptOutcome, DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { Ending } from './attempts.ts';
import { ARGUMENTS_CAP, cutEnd, cutMiddle, cutName, EXCEPTION_CAP, RESULT_CAP, TRACEBACK_CAP } from './caps.ts';
import { STATE_CODES } from './codes.ts';
import { saysAll } from './json.ts';
import { previewOf } from './preview.ts';
import type { TaskTexts } from './tasks.ts';

/** The name of a task whose message did not say. */
export const UNKNOWN_NAME = '(unknown)';

/** A message's words, ready for rows. */
export interface Content {
	readonly name: string;
	readonly priority: number | null;
	readonly publishedAt: number | null;
	readonly messageId: string | null;
	readonly texts: TaskTexts;
	/** Whether something was left out for its size. */
	readonly cut: boolean;
}

/** Content of a message from what a dialect made of it. */
export function contentOf(
	task: DecodedTask | null,
	fault: UndecodableTask | null,
	message: OutgoingMessage | BrokerMessage,
): Content {
	const own = message.properties.messageId ?? null;
	if (task === null) {
		return {
			name: cutName(fault?.name ?? UNKNOWN_NAME),
			priority: wholeOrNull(fault?.priority ?? message.properties.priority ?? null),
			publishedAt: null,
			messageId: fault?.messageId ?? own,
			texts: { args: null, kwargs: null, preview: '', typed: null },
			cut: false,
		};
	}
	const large = task.argsJson.length > ARGUMENTS_CAP || task.kwargsJson.length > ARGUMENTS_CAP;
	const typed = large || saysAll(task.call, task.argsJson, task.kwargsJson) ? null : JSON.stringify(task.call);
	const hugeTyped = typed !== null && typed.length > ARGUMENTS_CAP * 8;
	return {
		name: cutName(task.name),
		priority: wholeOrNull(task.priority),
		publishedAt: wholeOrNull(task.publishedAt),
		messageId: task.messageId ?? own,
		texts: {
			args: large ? null : task.argsJson,
			kwargs: large ? null : task.kwargsJson,
			preview: previewOf(task.call),
			typed: hugeTyped ? null : typed,
		},
		cut: large || hugeTyped,
	};
}

/** An outcome in columns. */
export function endingOf(outcome: AttemptOutcome, at: number, runtimeMs: number | null): Ending {
	const base = { state: STATE_CODES[outcome.state], finished_at: Math.trunc(at), runtime_ms: finiteOrNull(runtimeMs) };
	if (outcome.state === 'succeeded') {
		const { result } = outcome;
		const text = result === null ? null : cutEnd(result.text, RESULT_CAP);
		const cut = result !== null && text !== result.text;
		return {
			...base,
			exception_type: null,
			exception_message: null,
			traceback: null,
			// Half a JSON document is not one: what was cut is shown as text.
			result_kind: result === null ? null : cut ? 'text' : result.kind,
			result_text: text,
			result_type: result === null ? null : result.kind === 'text' ? cutName(result.type) : cut ? 'json' : null,
			truncated: cut ? 1 : 0,
		};
	}
	const message = cutEnd(outcome.exception.message, EXCEPTION_CAP);
	const traceback = outcome.traceback === null ? null : cutMiddle(outcome.traceback, TRACEBACK_CAP);
	return {
		...base,
		exception_type: cutName(outcome.exception.type),
		exception_message: message,
		traceback,
		result_kind: null,
		result_text: null,
		result_type: null,
		truncated: message !== outcome.exception.message || traceback !== outcome.traceback ? 1 : 0,
	};
}

function wholeOrNull(value: number | null): number | null {
	return value === null || !Number.isFinite(value) ? null : Math.trunc(value);
}

function finiteOrNull(value: number | null): number | null {
	return value === null || !Number.isFinite(value) ? null : value;
}
