/** What the gallery shows: invented tasks of an invented shop. */
import type { ConsoleLine } from '#main/domain/consumer.ts';
import type { LogLine, TaskState } from '#main/domain/task.ts';
import { TASK_STATES } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import celery from '../components/tracebacks/celery.txt?raw';
import context from '../components/tracebacks/context.txt?raw';

export const NOW = Date.UTC(2026, 10, 21, 11, 41, 30);

export const TRACEBACK = `${context.split('\nDuring handling')[0]?.replace('RuntimeError: card 4021 refused\nsecond line', 'requests.exceptions.HTTPError: 402 Client Error for /captures') ?? ''}
The above exception was the direct cause of the following exception:

${celery}`;

export interface SampleRow {
	readonly id: string;
	readonly state: TaskState;
	readonly name: string;
	readonly preview: string;
	readonly queue: string;
	readonly runtimeMs: number | null;
	readonly at: number;
}

const NAMES = [
	'orders.tasks.capture_payment',
	'reports.tasks.refresh_daily',
	'crm.sync.push_contact',
	'media.tasks.transcode',
	'imports.tasks.load_csv',
];
const QUEUES = ['payments', 'reports', 'default', 'media', 'bulk'];

export function sampleRow(index: number): SampleRow {
	const state = TASK_STATES[(index * 5 + (index >> 2)) % TASK_STATES.length] ?? 'queued';
	return {
		id: `7b0e2c1a-93f4-4f0e-9a51-${(0x0c6d1be2a871 + index * 7919).toString(16).padStart(12, '0')}`,
		state,
		name: NAMES[index % NAMES.length] ?? '',
		preview: `order_id=${88213 - index * 6}, retry=${index % 4}${index % 3 === 0 ? ", note='please call back before noon'" : ''}`,
		queue: QUEUES[(index * 3) % QUEUES.length] ?? '',
		runtimeMs: state === 'queued' ? null : 180 + ((index * 7919) % 5400),
		at: NOW - index * 12_400,
	};
}

export const VALUE: Value = {
	kind: 'dict',
	entries: [
		[
			{ kind: 'str', value: 'order_id' },
			{ kind: 'int', text: '9223372036854775809' },
		],
		[
			{ kind: 'str', value: 'amount' },
			{ kind: 'float', text: '1200.50' },
		],
		[
			{ kind: 'str', value: 'customer' },
			{
				kind: 'dict',
				entries: [
					[
						{ kind: 'str', value: 'name' },
						{ kind: 'str', value: 'Zoë "Z" O\u2019Brien\u202e gnp.exe' },
					],
					[
						{ kind: 'str', value: 'vip' },
						{ kind: 'bool', value: true },
					],
					[{ kind: 'str', value: 'phone' }, { kind: 'none' }],
				],
			},
		],
		[
			{ kind: 'str', value: 'tags' },
			{
				kind: 'list',
				items: [
					{ kind: 'str', value: 'vip' },
					{ kind: 'str', value: 'urgent\n\u0007' },
				],
			},
		],
		[
			{ kind: 'str', value: 'window' },
			{
				kind: 'tuple',
				items: [
					{ kind: 'int', text: '1' },
					{ kind: 'int', text: '-2' },
				],
			},
		],
		[
			{ kind: 'int', text: '42' },
			{ kind: 'bytes', base64: 'iVBORw0KGgo=' },
		],
		[
			{ kind: 'str', value: 'big' },
			{ kind: 'int', text: '1'.repeat(60) },
		],
		[
			{ kind: 'str', value: 'lines' },
			{
				kind: 'list',
				items: Array.from({ length: 1200 }, (_, index) => ({
					kind: 'dict',
					entries: [
						[
							{ kind: 'str', value: 'sku' },
							{ kind: 'str', value: `A-${index}` },
						],
					],
				})),
			},
		],
		[
			{ kind: 'str', value: 'note' },
			{ kind: 'str', value: 'a long text '.repeat(60) },
		],
		[
			{ kind: 'str', value: 'seen' },
			{ kind: 'set', items: [] },
		],
		[
			{ kind: 'str', value: 'due' },
			{ kind: 'opaque', type: 'datetime', text: 'datetime.datetime(2026, 11, 21, 12, 0)' },
		],
	],
};

const LEVELS = ['info', 'debug', 'info', 'warning', 'info', 'error', 'info'] as const;
const TEXTS = [
	'charging card for order 88213',
	'gateway answered in 412 ms',
	'retry 3 of 5 in 8 s',
	'slow answer from psp-eu-2: 2,412 ms',
	'\u001b[32mcaptured\u001b[0m 1,200.50 EUR',
	'card refused by issuer\n  code: 4021\n  hint: insufficient funds, and a line that goes on for long enough that it has to be wrapped somewhere or scrolled to be read in full',
	'progress 40 %',
];
export const LOG: readonly LogLine[] = Array.from({ length: 3_000 }, (_, index) => ({
	at: NOW - 60_000 + index * 37,
	level: LEVELS[index % LEVELS.length] ?? 'info',
	source: index % 11 === 6 ? 'stderr' : index % 7 === 4 ? 'stdout' : 'log',
	logger: index % 11 === 6 || index % 7 === 4 ? null : 'orders.gateway',
	text: TEXTS[index % TEXTS.length] ?? '',
}));

export const CONSOLE: readonly ConsoleLine[] = LOG.slice(0, 160).map((line, index) => ({
	...line,
	taskId: null,
	attemptId: null,
	taskName: NAMES[index % 3] ?? null,
	slot: String((index % 2) + 1),
}));
