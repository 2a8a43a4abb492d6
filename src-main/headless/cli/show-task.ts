/** One task for a person: what it is, how its last attempt went, its log, and the attempts before. */
import type { Attempt, TaskDetail, TaskResult } from '#main/domain/task.ts';
import type { TaskLogLine } from '#main/ipc/contract/task.ts';
import { counted, harmless, lasted, oneLine, paint, pairs, type Style, when } from './text.ts';
import { showLine } from './views.ts';

/** Log lines shown; `task log` has all. */
const SHOWN_LINES = 200;
/** Events shown, the newest; `--json` has all. */
const SHOWN_EVENTS = 50;

export function showTask(task: TaskDetail, log: readonly TaskLogLine[], style: Style): string {
	const parts = [
		pairs(style, [
			['id', task.id],
			['name', task.name],
			['state', task.state],
			['queue', task.queue],
			['priority', task.priority === null ? null : String(task.priority)],
			['args', task.argsJson ?? printed(task)],
			['kwargs', task.kwargsJson ?? (task.preview === '' ? '(cannot be read)' : null)],
			['published', when(task.publishedAt)],
			['started', when(task.startedAt)],
			['finished', when(task.finishedAt)],
			['took', lasted(task.runtimeMs)],
			['worker', task.worker],
			['exception', task.exception === null ? null : `${task.exception.type}: ${task.exception.message}`],
			['result', resultWords(task.result)],
			['removed', task.removedAt === null ? null : when(task.removedAt)],
		]),
	];
	if (task.celery !== undefined && task.celery.length > 0) {
		const said = task.celery.map(
			({ name, value, source }) => [name, source === 'event' ? `${value} (told by events)` : value] as const,
		);
		parts.push(`${paint(style, 'bold', 'Celery')}\n${pairs(style, said)}`);
	}
	if (task.traceback !== null)
		parts.push(`${paint(style, 'bold', 'Traceback')}\n${harmless(task.traceback.trimEnd())}`);
	if (log.length > 0) parts.push(`${paint(style, 'bold', 'Log')}\n${logWords(log, style)}`);
	if (task.history.length > 1) {
		parts.push([paint(style, 'bold', 'Attempts'), ...task.history.map((attempt) => attemptWords(attempt))].join('\n'));
	}
	if (task.events !== undefined && task.events.length > 0) {
		parts.push([paint(style, 'bold', 'Events'), ...eventWords(task.events)].join('\n'));
	}
	return parts.join('\n\n');
}

/** Arguments that are no JSON, as far as they were told. */
function printed(task: TaskDetail): string {
	return task.preview === '' ? '(cannot be read)' : `${harmless(task.preview)} (as printed)`;
}

/** What others told of it, an event a line. */
function eventWords(events: NonNullable<TaskDetail['events']>): readonly string[] {
	return events.slice(-SHOWN_EVENTS).map((fact) => {
		const retries = fact.retries === undefined || fact.retries === 0 ? '' : `retry ${fact.retries}`;
		const words = [when(Math.trunc(fact.at)), fact.type.padEnd(15), fact.host, retries, fact.more ?? ''];
		return oneLine(words.filter((word) => word !== '').join('  '));
	});
}

function resultWords(result: TaskResult | null): string | null {
	if (result === null) return null;
	return result.kind === 'json' || result.type === '' ? result.text : `${result.text} (${result.type})`;
}

function logWords(log: readonly TaskLogLine[], style: Style): string {
	const shown = log.slice(-SHOWN_LINES).map((line) => showLine(line, style));
	const left = log.length - shown.length;
	return left === 0 ? shown.join('\n') : [`… ${counted(left, 'earlier line')}`, ...shown].join('\n');
}

function attemptWords(attempt: Attempt): string {
	const facts = [
		`${attempt.number}.`.padStart(4),
		attempt.state.padEnd(9),
		attempt.cause.padEnd(11),
		when(attempt.startedAt ?? attempt.queuedAt),
		lasted(attempt.runtimeMs),
		attempt.exception === null ? '' : `${attempt.exception.type}: ${attempt.exception.message}`,
	];
	return harmless(facts.join('  ').trimEnd());
}
