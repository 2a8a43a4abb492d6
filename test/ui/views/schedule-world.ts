/** Schedules to draw: in every state, over several books, one of which does not answer. */
import { profileId, taskId } from '#main/domain/ids.ts';
import {
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleRun,
	type ScheduleVersion,
} from '#main/domain/schedule.ts';
import type { ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import type { FakeEngine } from '../state/fake-engine.ts';
import { bookView, definition, FakeSchedules, scheduleView } from '../state/fake-schedules.ts';

/** The moment at which all of it is looked at. */
export const LOOKED_AT = Date.UTC(2026, 10, 21, 12, 41, 7);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const PROFILE = profileId('shop-eu');

function run(name: string, more: Partial<ScheduleRun>): ScheduleRun {
	return {
		profile: PROFILE,
		book: 'local',
		key: `k-${name}`,
		name,
		dueAt: LOOKED_AT,
		manual: false,
		state: 'fired',
		firedAt: null,
		messageId: null,
		taskId: null,
		by: 'host:4711:1',
		tries: 1,
		note: null,
		updatedAt: LOOKED_AT,
		...more,
	};
}

/** The runs of the one whose history is looked at. */
const RUNS: readonly ScheduleRun[] = [
	run('nightly-invoices', {
		dueAt: LOOKED_AT - 10 * HOUR,
		firedAt: LOOKED_AT - 10 * HOUR + 12,
		taskId: taskId('9b2f1c3a-7a64-4a7e-8f52-0d1c6da2e871'),
	}),
	run('nightly-invoices', { dueAt: LOOKED_AT - 34 * HOUR, state: 'uncertain', note: 'host:4711 died at 02:30:00.' }),
	run('nightly-invoices', {
		dueAt: LOOKED_AT - 58 * HOUR,
		firedAt: LOOKED_AT - 58 * HOUR + 95_000,
		tries: 3,
		taskId: taskId('1c3a9b2f-7a64-4a7e-8f52-0d1c6da2e871'),
	}),
	run('nightly-invoices', { dueAt: LOOKED_AT - 82 * HOUR, state: 'missed', note: 'Nobody was there.' }),
	run('nightly-invoices', {
		dueAt: LOOKED_AT - 90 * HOUR,
		state: 'failed',
		note: 'The queue does not exist.',
		tries: 5,
	}),
];

/** Fills an engine with them. `text` stands wherever a person or a book had the say. */
export function scheduleWorld(engine: FakeEngine, text?: string): FakeSchedules {
	const fake = new FakeSchedules(engine);
	const cron = (expression: string) => ({ kind: 'cron', expression }) as const;
	const every = (count: number, unit: 'seconds' | 'minutes' | 'hours') =>
		({ kind: 'every', count, unit, align: 'clock' }) as const;
	const of = (name: string, task: string, more: Partial<ScheduleDefinition>): ScheduleDefinition =>
		definition(text ?? name, {
			task: text ?? task,
			...(text === undefined ? {} : { args: text, description: text }),
			...more,
		});
	const view = (name: string, more: Partial<ScheduleView>): ScheduleView =>
		scheduleView(name, { book: 'shared', ...more });

	const mine = of('nightly-invoices', 'billing.tasks.send_invoices', {
		queue: 'default',
		recurrence: cron('30 2 * * 1-5'),
		zone: 'Europe/Berlin',
		args: text ?? "True, 1, 'test', {'foo': 'bar'}",
		kwargs: '{\n  "customer": 9223372036854775809,\n  "tags": ["vip", "urgent"]\n}',
	});
	const base = { ...mine, recurrence: cron('0 2 * * 1-5') };
	const theirs = { ...base, recurrence: cron('0 3 * * 1-5'), queue: 'invoices' };
	const conflicted = view('nightly-invoices', {
		definition: mine,
		words: 'every weekday at 02:30, Europe/Berlin',
		nextRunAt: LOOKED_AT + 13 * HOUR,
		lastRunAt: LOOKED_AT - 10 * HOUR,
		sync: 'conflict',
		changed: ['recurrence', 'queue'],
	});
	fake.put(
		view('refresh-rates', {
			definition: of('refresh-rates', 'billing.tasks.refresh_rates', { recurrence: every(30, 'seconds') }),
			words: 'every 30 seconds',
			nextRunAt: LOOKED_AT + 12_000,
			lastRunAt: LOOKED_AT - 18_000,
			lastRun: run('refresh-rates', { dueAt: LOOKED_AT - 18_000, firedAt: LOOKED_AT - 18_000 }),
		}),
		conflicted,
		view('dunning', {
			definition: of('dunning', 'billing.tasks.dun', { recurrence: every(6, 'hours'), queue: 'mail' }),
			words: 'every 6 hours',
			nextRunAt: LOOKED_AT + 2 * HOUR + 40 * MINUTE,
			lastRunAt: LOOKED_AT - 3 * HOUR,
			sync: 'edited',
			changed: ['queue'],
		}),
		view('import-bank-file', {
			definition: of('import-bank-file', 'billing.imports.load_camt', {
				recurrence: every(15, 'minutes'),
				active: false,
			}),
			words: 'every 15 minutes',
			sync: 'edited',
			changed: ['active'],
		}),
		scheduleView('vat-report', {
			definition: of('vat-report', 'reports.tasks.vat', {
				recurrence: cron('0 6 1 * *'),
				zone: 'Europe/Berlin',
				queue: 'reports',
			}),
			words: 'on the 1st of the month at 06:00, Europe/Berlin',
			nextRunAt: LOOKED_AT + 9 * DAY + 16 * HOUR,
			lastRunAt: LOOKED_AT - 20 * DAY,
			lastRun: run('vat-report', { state: 'failed', note: 'The queue does not exist.' }),
			troubled: 1,
		}),
		view('archive', {
			definition: of('archive', 'billing.tasks.archive', {
				recurrence: { kind: 'once', at: LOOKED_AT + 33 * DAY },
				zone: 'Europe/Berlin',
			}),
			words: 'once, 24 Dec 2026, 18:00, Europe/Berlin',
			nextRunAt: LOOKED_AT + 33 * DAY,
			sync: 'new',
		}),
		scheduleView('heartbeat', {
			definition: of('heartbeat', 'ops.tasks.beat', { recurrence: every(1, 'minutes') }),
			words: 'every minute',
			nextRunAt: LOOKED_AT - 3 * MINUTE,
			lastRunAt: LOOKED_AT - 4 * MINUTE,
			lastRun: run('heartbeat', { state: 'missed', dueAt: LOOKED_AT - 4 * MINUTE, note: 'Nobody was there.' }),
			troubled: 3,
		}),
		view('price-feed', {
			definition: of('price-feed', 'billing.tasks.prices', { recurrence: every(5, 'minutes') }),
			words: 'every 5 minutes',
			sync: 'refused',
			problem: 'The site already has a schedule of this name.',
		}),
		view('old-export', {
			definition: of('old-export', 'billing.tasks.export', {}),
			words: 'every hour',
			sync: 'removed',
		}),
	);
	const id = 'shared/k-nightly-invoices';
	fake.bases.set(id, base);
	fake.bases.set('shared/k-dunning', of('dunning', 'billing.tasks.dun', { recurrence: every(6, 'hours') }));
	fake.removing.add('shared/k-old-export');
	fake.conflicts.set(id, {
		theirs,
		theirVersion: 'v2',
		fields: ['recurrence', 'queue'],
		choices: {},
		seenAt: LOOKED_AT - 3 * HOUR,
	});
	fake.runs.set(id, RUNS);
	fake.versions.set(id, versions(base, mine));
	fake.coming = [0, 1, 4, 5, 6, 7, 8, 11, 12, 13].map((days, index) => ({
		at: LOOKED_AT + 13 * HOUR + days * DAY,
		local: new Date(Date.UTC(2027, 2, 25, 2, 30) + days * DAY).toISOString().slice(0, 19),
		clockChange: index === 2 ? HOUR : 0,
	}));
	fake.hints = ['vat-report runs at the same moment on Tue 1 Dec.'];
	fake.reports = [
		{
			book: 'shared',
			at: LOOKED_AT,
			state: 'done',
			dryRun: true,
			items: [
				{
					book: 'shared',
					key: 'k-dunning',
					name: text ?? 'dunning',
					outcome: 'sent',
					fields: ['queue'],
					resumed: null,
					message: null,
				},
				{
					book: 'shared',
					key: 'k-refresh-rates',
					name: text ?? 'refresh-rates',
					outcome: 'received',
					fields: ['recurrence', 'kwargs'],
					resumed: null,
					message: null,
				},
				{
					book: 'shared',
					key: 'k-nightly-invoices',
					name: text ?? 'nightly-invoices',
					outcome: 'conflict',
					fields: ['recurrence', 'queue'],
					resumed: null,
					message: null,
				},
			],
			unchanged: 39,
			note: null,
		},
	];
	fake.books = [
		bookView('local', { schedules: 2 }),
		bookView('shared', {
			state: {
				kind: 'reconnecting',
				since: LOOKED_AT - 4 * HOUR,
				nextTryAt: LOOKED_AT + 20_000,
				attempt: 12,
				reason: text ?? 'connection refused',
			},
			address: 'redis://redis-1.example/0',
			schedules: 5,
			waiting: 6,
			conflicts: 1,
		}),
	];
	return fake;
}

function versions(base: ScheduleDefinition, mine: ScheduleDefinition): readonly ScheduleVersion[] {
	const common = {
		profile: PROFILE,
		book: 'shared',
		key: 'k-nightly-invoices',
		name: base.name,
		overwritten: null,
	} as const;
	return [
		{ ...common, id: 3, at: LOOKED_AT - 4 * HOUR, by: 'here', what: 'changed', before: base, after: mine, note: null },
		{
			...common,
			id: 2,
			at: LOOKED_AT - 3 * DAY,
			by: 'merge',
			what: 'changed',
			before: { ...base, queue: 'bulk' },
			after: base,
			overwritten: { queue: 'bulk', priority: 5 },
			note: 'Theirs was chosen.',
		},
		{
			...common,
			id: 1,
			at: LOOKED_AT - 20 * DAY,
			by: 'elsewhere',
			what: 'created',
			before: null,
			after: NEW_SCHEDULE,
			note: null,
		},
	];
}
