/** A small deployment to draw: two profiles, tasks in every state, a log, a traceback, queues and a consumer. */
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import { attemptId, consumerSetId, profileId, taskId } from '#main/domain/ids.ts';
import { CARROT_DIALECT, type Profile } from '#main/domain/profile.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import { depthOf, type QueueView } from '#main/domain/queue-depth.ts';
import type { Attempt, TaskDetail, TaskRow } from '#main/domain/task.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import { FakeEngine, NO_COUNTS, row } from '../state/fake-engine.ts';
import { scheduleWorld } from './schedule-world.ts';

export const NOW = Date.UTC(2026, 10, 21, 12, 41, 7);

const NO_DELAYS = { count: 0, source: 'nothing delays here', at: NOW, why: null };

/** A queue of which the broker told these figures, and no worker was asked. */
export function queueView(figures: QueueFigures): QueueView {
	return { ...figures, depth: depthOf(figures, 'Workers were not asked.', NO_DELAYS), oldestAgeMs: null };
}

export function profile(name: string, more: Partial<Profile> = {}): Profile {
	return {
		id: profileId(name),
		name,
		framework: 'carrot',
		broker: {
			kind: 'amqp',
			host: 'rabbit-1',
			port: 5672,
			vhost: 'shop',
			username: 'shop',
			tls: null,
			heartbeat: 30,
		},
		environment: 'development',
		readOnly: false,
		monitorUrl: null,
		managementUrl: null,
		dialect: CARROT_DIALECT,
		queues: ['default'],
		sandbox: false,
		createdAt: NOW,
		updatedAt: NOW,
		...more,
	};
}

export function profileView(of: Profile, more: Partial<ProfileView> = {}): ProfileView {
	return {
		profile: of,
		brokerUrl: 'amqp://shop@rabbit-1:5672/shop',
		bookUrls: { shared: null, redbeat: null },
		resultsUrl: null,
		connection: { kind: 'connected', since: NOW - 4 * 3_600_000, server: 'RabbitMQ 3.10.8' },
		secrets: {
			broker: true,
			monitor: false,
			management: false,
			shared: false,
			redbeat: false,
			django: false,
			results: false,
		},
		counts: { ...NO_COUNTS, queued: 4, running: 1, failed: 3, lost: 1, succeeded: 98_213, scheduled: 0 },
		maxPriority: 255,
		look: 'flagged',
		...more,
	};
}

export const TRACEBACK = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/carrot/consumer.py", line 204, in run
    return self.task(*args, **kwargs)
  File "/srv/shop/orders/tasks.py", line 48, in capture_payment
    gateway.capture(intent, idempotency_key=order.key)
  File "/srv/shop/orders/gateway.py", line 113, in capture
    raise PaymentDeclined(card, order)
orders.errors.PaymentDeclined: card 4021 refused by issuer for order 88213
`;

export function attempt(number: number, of: TaskRow, more: Partial<Attempt> = {}): Attempt {
	return {
		id: attemptId(number),
		number,
		cause: number === 1 ? 'published' : 'requeued',
		messageId: of.id,
		state: of.state,
		queue: of.queue,
		worker: of.worker,
		queuedAt: of.publishedAt,
		startedAt: of.startedAt,
		finishedAt: of.finishedAt,
		runtimeMs: of.runtimeMs,
		exception: of.exception,
		traceback: of.exception === null ? null : TRACEBACK,
		result: of.state === 'succeeded' ? { kind: 'json', text: '{"ok": true}' } : null,
		logLines: 3,
		hasMessage: true,
		truncated: false,
		...more,
	};
}

export function detail(of: TaskRow): TaskDetail {
	return {
		...of,
		arguments: {
			args: [
				{ kind: 'int', text: '9007199254740993' },
				{ kind: 'str', value: 'two' },
			],
			kwargs: [
				['order_id', { kind: 'int', text: '88213' }],
				[
					'user',
					{
						kind: 'dict',
						entries: [
							[
								{ kind: 'str', value: 'id' },
								{ kind: 'int', text: '42' },
							],
						],
					},
				],
			],
		},
		traceback: of.exception === null ? null : TRACEBACK,
		result: null,
		history: [
			attempt(1, { ...of, state: 'failed', exception: { type: 'ValueError', message: 'first' } }),
			attempt(2, of),
		],
		removedAt: null,
	};
}

export function consumerSet(): ConsumerSetView {
	return {
		id: consumerSetId('set-1'),
		profile: profileId('shop-eu'),
		intent: {
			queues: ['default', 'mail'],
			concurrency: 2,
			runner: {
				kind: 'python',
				executable: '/srv/shop/.venv/bin/python',
				project: '/srv/shop',
				settingsModule: 'shop.settings',
				env: {},
			},
			untilEmpty: false,
		},
		state: 'running',
		note: null,
		since: NOW - 60_000,
		slots: [
			{
				number: 1,
				pid: 4711,
				state: {
					kind: 'running',
					since: NOW - 2_000,
					taskId: taskId('r1'),
					attemptId: attemptId(9),
					name: 'shop.tasks.slow',
				},
				done: 12,
			},
			{ number: 2, pid: 4712, state: { kind: 'idle', since: NOW - 5_000 }, done: 11 },
		],
		succeeded: 20,
		failed: 3,
		worker: 'host:4700:set-1',
	};
}

/** Tasks in every state. `text` stands wherever a message or a task had the say. */
export function rows(text = 'orders.tasks.capture_payment'): TaskRow[] {
	const at = (seconds: number): number => NOW - seconds * 1000;
	return [
		row('q1', {
			name: text,
			state: 'queued',
			preview: text,
			startedAt: null,
			finishedAt: null,
			runtimeMs: null,
			exception: null,
			publishedAt: at(90),
			queue: text.slice(0, 100),
			updatedAt: at(90),
		}),
		row('r1', {
			name: 'shop.tasks.slow',
			state: 'running',
			finishedAt: null,
			runtimeMs: null,
			exception: null,
			publishedAt: at(60),
			updatedAt: at(50),
		}),
		row('f1', {
			name: text,
			preview: text,
			exception: { type: text, message: text },
			finishedAt: at(7),
			runtimeMs: 1840,
			queue: 'payments',
			publishedAt: at(9),
			startedAt: at(8),
			updatedAt: at(7),
		}),
		row('f2', {
			name: 'reports.tasks.refresh_daily',
			preview: "day='2026-11-20'",
			exception: { type: 'OperationalError', message: 'could not connect to server: db-2 timed out' },
			finishedAt: at(70),
			runtimeMs: 30_012,
			queue: 'reports',
			updatedAt: at(70),
		}),
		row('f3', {
			name: 'crm.sync.push_contact',
			state: 'rejected',
			argsJson: null,
			preview: '',
			exception: { type: 'InvalidMessage', message: 'The body is not JSON' },
			finishedAt: at(400),
			runtimeMs: null,
			updatedAt: at(400),
		}),
		row('f4', {
			name: 'media.tasks.transcode',
			state: 'lost',
			exception: { type: 'Lost', message: 'Its worker ended' },
			finishedAt: at(4_000),
			runtimeMs: null,
			updatedAt: at(4_000),
		}),
		row('c1', {
			name: text,
			preview: text,
			state: 'succeeded',
			exception: null,
			finishedAt: at(3),
			runtimeMs: 12,
			updatedAt: at(3),
		}),
	];
}

/** An engine that answers for it. */
export function world(views: readonly ProfileView[], text?: string): FakeEngine {
	const engine = new FakeEngine();
	engine.put(...rows(text));
	const said = text ?? 'capturing';
	engine.handlers.set('settings.show', () => ({
		ok: true,
		value: { theme: 'system', lastProfile: null, editorUrl: null, logLevel: 'info' },
	}));
	engine.handlers.set('settings.change', (input) => ({
		ok: true,
		value: { theme: 'system', lastProfile: null, editorUrl: null, logLevel: 'info', ...input },
	}));
	engine.handlers.set('app.info', () => ({
		ok: true,
		value: {
			version: '0.1.0',
			host: 'test',
			home: '/home/ada/.config/warren',
			vault: { kind: 'memory', words: 'Passwords are kept in memory only.' },
			platform: 'linux',
			node: 'v24.21.0',
		},
	}));
	engine.handlers.set('task.show', (input) => {
		const found = engine.tasks.get(String(input.id));
		return found === undefined
			? { ok: false, error: { code: 'not-found', message: 'There is no such task.', retryable: false, ref: 'x' } }
			: { ok: true, value: detail(found) };
	});
	engine.handlers.set('task.log', () => ({
		ok: true,
		value: {
			lines: (['debug', 'info', 'warning', 'error'] as const).map((level, seq) => ({
				seq,
				at: NOW - 1000 + seq,
				level,
				source: 'log',
				logger: 'shop.orders',
				text: `${said} ${seq}`,
			})),
			total: 4,
		},
	}));
	engine.handlers.set('task.find', () => ({ ok: true, value: { seqs: [3], seen: 3, lines: 4, done: true } }));
	engine.handlers.set('task.message', () => ({
		ok: true,
		value: {
			exchange: '',
			routingKey: 'default',
			properties: { contentType: 'application/json', messageId: 'f1', type: said },
			headers: [['type', { type: 'longstr', text: said }]],
			bodyBase64: btoa(unescape(encodeURIComponent(JSON.stringify({ args: [said] })))),
			bodyBytes: 38,
			bodyText: JSON.stringify({ args: [said] }),
			cut: false,
		},
	}));
	engine.handlers.set('task.names', () => ({
		ok: true,
		value: { items: ['orders.tasks.capture_payment', 'shop.tasks.slow'] },
	}));
	engine.handlers.set('argument.check', (input) => ({
		ok: true,
		value: {
			args: [],
			kwargs: null,
			argsProblem: null,
			kwargsProblem: null,
			body: `{"kwargs": ${String(input.kwargs)}}`,
		},
	}));
	engine.handlers.set('queue.list', () => ({
		ok: true,
		value: {
			items: [
				queueView({
					name: 'default',
					exists: true,
					ready: 1_284,
					unacked: null,
					consumers: 0,
					at: NOW,
					source: 'amqp',
				}),
				queueView({
					name: text ?? 'mail',
					exists: false,
					ready: null,
					unacked: null,
					consumers: null,
					at: NOW,
					source: 'amqp',
				}),
			],
			total: 2,
			complete: false,
			delayed: NO_DELAYS,
			hidden: 0,
			management: { state: 'none', reason: null },
		},
	}));
	engine.handlers.set('queue.peek', (input) => ({
		ok: true,
		value: {
			items:
				input.dryRun === true
					? []
					: [
							{
								queue: 'default',
								task: null,
								fault: { name: said, messageId: null, priority: null, reason: said, exceptionType: 'InvalidMessage' },
								raw: btoa('{}'),
								exchange: '',
								routingKey: 'default',
								properties: {},
								headers: [],
								redelivered: true,
								deliveryCount: null,
								verified: null,
							},
						],
			total: 1,
			cost: { kind: 'flagged', words: 'The messages come back marked as redelivered.' },
		},
	}));
	engine.handlers.set('consumer.sets', () => ({ ok: true, value: { items: [], total: 0 } }));
	engine.handlers.set('quarantine.list', () => ({ ok: true, value: { items: [], total: 0, held: 0 } }));
	const schedules = scheduleWorld(engine, text);
	engine.answerStreams = (name) => {
		switch (name) {
			case 'profile.watch':
				return views.map((view) => ({ key: view.profile.id, view }));
			case 'consumer.watch':
				return [{ key: 'set-1', set: consumerSet() }];
			case 'console.watch':
				return [
					{
						at: NOW,
						level: 'info',
						source: 'log',
						logger: 'shop',
						text: said,
						taskId: null,
						attemptId: null,
						taskName: 'shop.tasks.slow',
						slot: 'set-1/1',
					},
				];
			case 'schedule.watch':
				return [{ key: 'shop-eu', tick: schedules.tick }];
			case 'task.watch':
				return [{ key: 'tick', tick: { revision: 1, counts: NO_COUNTS } }];
			default:
				return [];
		}
	};
	return engine;
}
