/**
 * What can be searched, each with fields of its own in the one language: same grammar, same comparisons, same errors. Tasks have the
 * richest set (`query.ts`); the others are here.
 */
import {
	ARGUMENT_FIELDS,
	type PlainLeaf,
	QUERY_FIELDS,
	QUERY_HAS,
	QUERY_IS,
	type Query,
	type QueryField,
	type QueryTree,
	queryField,
	type TaskLeaf,
	timeBounds,
} from './query.ts';
import { FAILURE_CODES } from './result.ts';
import { LOG_LEVELS } from './task.ts';

/** What is searched. */
export type QueryTarget = 'tasks' | 'messages' | 'logs' | 'lines' | 'schedules' | 'audit';
export const QUERY_TARGETS: readonly QueryTarget[] = ['tasks', 'messages', 'logs', 'lines', 'schedules', 'audit'];

/** Of messages that wait in a queue. */
export interface MessageWords {
	readonly text:
		| 'name'
		| 'app'
		| 'queue'
		| 'id'
		| 'print'
		| 'args'
		| 'kwargs'
		| 'exchange'
		| 'routing'
		| 'fault'
		| 'origin';
	readonly number: 'priority' | 'deliveries' | 'size';
	readonly time: 'activity' | 'published';
	readonly has: (typeof MESSAGE_HAS)[number];
	readonly is: (typeof MESSAGE_IS)[number];
}
const MESSAGE_HAS = ['args', 'kwargs', 'priority', 'origin'] as const;
const MESSAGE_IS = ['redelivered', 'dead', 'unreadable'] as const;

/** Of lines of tasks' logs. `activity` is when the line was written. */
export interface LogWords {
	readonly text: 'text' | 'logger' | 'source' | 'name' | 'app' | 'queue' | 'worker' | 'id';
	readonly number: 'level' | 'attempt' | 'line';
	readonly time: 'activity';
	readonly has: 'logger';
	readonly is: never;
}

/** Of the lines of one log: what only lines of several logs differ in is left out. */
export interface LineWords {
	readonly text: 'text' | 'logger' | 'source';
	readonly number: 'level' | 'line';
	readonly time: never;
	readonly has: 'logger';
	readonly is: never;
}

/** Of schedules, as they are to be: waiting edits included. */
export interface ScheduleWords {
	readonly text: 'name' | 'task' | 'app' | 'queue' | 'book' | 'timing' | 'zone' | 'args' | 'kwargs' | 'description';
	readonly number: 'priority' | 'runs';
	readonly time: 'next' | 'last';
	readonly has: (typeof SCHEDULE_HAS)[number];
	readonly is: (typeof SCHEDULE_IS)[number];
}
const SCHEDULE_HAS = ['next', 'last', 'description', 'args', 'kwargs', 'priority'] as const;
const SCHEDULE_IS = ['active', 'paused', 'edited', 'conflict', 'troubled', 'interval', 'cron', 'once'] as const;

/** Of lines of the audit. */
export interface AuditWords {
	readonly text: 'route' | 'actor' | 'host' | 'profile' | 'input' | 'outcome';
	readonly number: 'changed';
	readonly time: 'activity';
	readonly has: 'profile' | 'changed';
	readonly is: 'done' | 'failed';
}

/** A query over anything, as the parser makes it before its words are known. */
export type AnyQuery = QueryTree<PlainLeaf | TaskLeaf>;

/** A parsed query, by what it is over. */
export interface TargetQuery {
	readonly tasks: Query;
	readonly messages: QueryTree<PlainLeaf<MessageWords>>;
	readonly logs: QueryTree<PlainLeaf<LogWords>>;
	readonly lines: QueryTree<PlainLeaf<LineWords>>;
	readonly schedules: QueryTree<PlainLeaf<ScheduleWords>>;
	readonly audit: QueryTree<PlainLeaf<AuditWords>>;
}

/** The fields of a target, and the words after `has:` and `is:`. */
export interface QueryLanguage {
	readonly target: QueryTarget;
	readonly fields: readonly QueryField[];
	readonly has: readonly string[];
	readonly is: readonly string[];
}

const text = (name: string, match: QueryField['match'], help: string, example: string) =>
	queryField(name, 'text', match, help, example);
const choice = (name: string, choices: readonly string[], help: string, example: string): QueryField => ({
	...queryField(name, 'choice', 'equals', `${help}: ${choices.join(', ')}`, example),
	choices,
});
const things = (name: 'has' | 'is', help: string, words: readonly string[], example: string) =>
	queryField(name, name, null, `${help}: ${words.join(', ')}`, example);

const LEVEL_NAMES = Object.keys(LOG_LEVELS);

const LOG_HAS = ['logger'] as const;
const LOG_LINE = queryField('line', 'number', null, 'The place of the line in its log, from 1', 'line:1..10');
const LOG_HAS_FIELD = things('has', 'What is there', LOG_HAS, 'has:logger');
const LINE_FIELDS: readonly QueryField[] = [
	queryField('level', 'level', null, `The level: ${LEVEL_NAMES.join(', ')}`, 'level:>=warning'),
	text('text', 'contains', 'Part of the line', 'text:"gave up"'),
	text('logger', 'prefix', 'The beginning of the logger', 'logger:shop.mail'),
	choice('source', ['log', 'stdout', 'stderr', 'warren'], 'Where the line came from', 'source:stderr'),
];

const LANGUAGES: Readonly<Record<QueryTarget, QueryLanguage>> = {
	tasks: { target: 'tasks', fields: QUERY_FIELDS, has: QUERY_HAS, is: QUERY_IS },
	messages: {
		target: 'messages',
		fields: [
			text('name', 'contains', 'Part of the task name', 'name:tasks.add'),
			text('app', 'equals', 'The app that the task name stands for, exactly; * stands for anything', 'app:shop'),
			text('id', 'prefix', 'The beginning of the task or message id', 'id:312a7e71'),
			text('print', 'prefix', 'The beginning of the print that names the message in its queue', 'print:9f2c'),
			text('queue', 'equals', 'The queue, exactly; * stands for anything', 'queue:mail*'),
			...ARGUMENT_FIELDS,
			queryField('priority', 'number', null, 'The priority of the message', 'priority:>3'),
			text('exchange', 'equals', 'The exchange it was published to, exactly; * stands for anything', 'exchange:orders'),
			text('routing', 'equals', 'The routing key, exactly; * stands for anything', 'routing:mail.*'),
			text('origin', 'equals', 'The queue in which it became a dead letter, exactly', 'origin:mail'),
			text('fault', 'contains', 'Part of why it cannot be read', 'fault:JSON'),
			queryField(
				'deliveries',
				'number',
				null,
				'How often it was handed out before, where the broker counts',
				'deliveries:>=2',
			),
			queryField('size', 'number', null, 'Bytes of its body', 'size:>100000'),
			queryField('published', 'time', null, 'When it was published', 'published:2026-11-20'),
			...timeBounds('Published'),
			things('has', 'What is there', MESSAGE_HAS, 'has:origin'),
			things('is', 'What it is', MESSAGE_IS, 'is:dead'),
		],
		has: MESSAGE_HAS,
		is: MESSAGE_IS,
	},
	logs: {
		target: 'logs',
		fields: [
			...LINE_FIELDS,
			text('name', 'contains', 'Part of the task name', 'name:tasks.add'),
			text('app', 'equals', 'The app that the task name stands for, exactly; * stands for anything', 'app:shop'),
			text('queue', 'equals', 'The queue of the task, exactly; * stands for anything', 'queue:mail*'),
			text('worker', 'equals', 'The worker of the attempt, exactly; * stands for anything', 'worker:host1:*'),
			text('id', 'prefix', 'The beginning of the task id', 'id:312a7e71'),
			queryField('attempt', 'number', null, 'Which attempt of its task', 'attempt:>1'),
			LOG_LINE,
			...timeBounds('Written'),
			LOG_HAS_FIELD,
		],
		has: LOG_HAS,
		is: [],
	},
	lines: { target: 'lines', fields: [...LINE_FIELDS, LOG_LINE, LOG_HAS_FIELD], has: LOG_HAS, is: [] },
	schedules: {
		target: 'schedules',
		fields: [
			text('name', 'contains', 'Part of its name', 'name:nightly'),
			text('task', 'contains', 'Part of the task name', 'task:tasks.report'),
			text('app', 'equals', 'The app that the task name stands for, exactly; * stands for anything', 'app:shop'),
			text('queue', 'equals', 'The queue, exactly; * stands for anything', 'queue:mail*'),
			choice('book', ['local', 'shared', 'carrot', 'redbeat'], 'The book that it is in', 'book:shared'),
			text(
				'timing',
				'contains',
				'Part of its timing in plain words, or of its cron expression',
				'timing:"every 5 minutes"',
			),
			text('zone', 'contains', 'Part of its time zone', 'zone:Berlin'),
			...ARGUMENT_FIELDS,
			text('description', 'contains', 'Part of its description', 'description:invoices'),
			queryField('priority', 'number', null, 'The priority of its messages', 'priority:>3'),
			queryField('runs', 'number', null, 'How often it has run, where that is known', 'runs:0'),
			queryField(
				'next',
				'time',
				null,
				'When it runs next, where that is known; a duration is so long from now',
				'next:<2h',
			),
			queryField('last', 'time', null, 'When it ran last', 'last:<2026-11-20'),
			things('has', 'What is there', SCHEDULE_HAS, 'has:last'),
			things('is', 'What it is', SCHEDULE_IS, 'is:paused'),
		],
		has: SCHEDULE_HAS,
		is: SCHEDULE_IS,
	},
	audit: {
		target: 'audit',
		fields: [
			text('route', 'prefix', 'The beginning of what was done', 'route:task.'),
			text('actor', 'equals', 'Who did it, exactly; * stands for anything', 'actor:anna'),
			choice('host', ['shell', 'serve', 'cli', 'test'], 'What it was done through', 'host:cli'),
			text('profile', 'equals', 'The id of the profile, exactly; * stands for anything', 'profile:shop'),
			text('input', 'contains', 'Part of what was asked for', 'input:mail'),
			choice('outcome', ['done', ...FAILURE_CODES], 'What came of it', 'outcome:read-only,refused'),
			queryField('changed', 'number', null, 'How many things it changed', 'changed:>100'),
			...timeBounds('Done'),
			things('has', 'What is there', ['profile', 'changed'], 'has:changed'),
			things('is', 'What came of it', ['done', 'failed'], 'is:failed'),
		],
		has: ['profile', 'changed'],
		is: ['done', 'failed'],
	},
};

/** The language of a target. */
export function languageOf(target: QueryTarget): QueryLanguage {
	return LANGUAGES[target];
}
