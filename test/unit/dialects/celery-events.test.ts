import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observedCall } from '#main/dialects/celery/event-call.ts';
import { readEventEnvelope } from '#main/dialects/celery/event-envelope.ts';
import { exceptionOf } from '#main/dialects/celery/event-exception.ts';
import { type CeleryEvent, readEvents } from '#main/dialects/celery/events.ts';
import { eventsOf, readCapture } from '#test/support/celery/captures.ts';
import { celeryBody, celeryFields } from '#test/support/celery/events.ts';

function read(...fields: readonly unknown[]) {
	return readEvents(
		Buffer.from(fields.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('')),
		'application/json',
	);
}

function only(fields: unknown): CeleryEvent {
	const { events, bad } = read(fields);
	const [event] = events;
	if (event === undefined) throw new Error(bad[0]?.reason);
	return event;
}

describe('events of a real cluster', () => {
	it.each(['amqp-5.6.3', 'redis-5.2.6'] as const)('are all read, with nothing left over (%s)', (name) => {
		const events = eventsOf(readCapture(name));
		expect(events.length).toBeGreaterThan(150);
		for (const event of events) {
			const more = event.group === 'task' ? (event.fact.more ?? null) : event.more;
			if (event.type === 'task-checkpoint') expect(more).toContain('"');
			else expect([event.type, more]).toEqual([event.type, null]);
		}
	});

	it('tell a failure with its traceback and the module of what was raised', () => {
		const failed = eventsOf(readCapture('amqp-5.6.3')).find(
			(event) => event.type === 'task-failed' && event.group === 'task' && event.fact.exception?.message === 'kaput',
		);
		expect(failed).toMatchObject({
			fact: { kind: 'failed', exception: { type: 'ValueError', message: 'kaput' }, host: 'w1@lab', pid: 26213 },
		});
	});
});

describe('one event', () => {
	const worker = {
		type: 'worker-heartbeat',
		hostname: 'w1@h',
		timestamp: 1_700_000_000.25,
		pid: 4,
		clock: 9,
		utcoffset: -6,
	};

	it('has its time as epoch time, whatever zone its sender is in', () => {
		expect(only(worker)).toMatchObject({ at: 1_700_000_000_250, utcoffset: -6 });
		expect(only({ ...worker, utcoffset: 11 }).at).toBe(1_700_000_000_250);
	});

	it('says null for what a heartbeat on request leaves out', () => {
		expect(only({ ...worker, freq: 5, sw_ident: 'py-celery', sw_ver: '5.6.3', sw_sys: 'Linux' })).toMatchObject({
			group: 'worker',
			what: 'heartbeat',
			freq: 5,
			active: null,
			loadavg: null,
			software: { version: '5.6.3' },
			more: null,
		});
	});

	it('of the application’s own keeps every field with every digit', () => {
		const text =
			'{"type":"task-progress","uuid":"u","hostname":"w@h","pid":1,"clock":2,"utcoffset":0,"timestamp":1.5,"id":9223372036854775809,"ratio":NaN,"price":1.50,"deep":{"a":[1e400]}}';
		const event = only(text);
		expect(event).toMatchObject({ group: 'task', fact: { kind: 'custom', type: 'task-progress' } });
		expect(event.group === 'task' && event.fact.more).toBe(
			'{"id": 9223372036854775809, "ratio": NaN, "price": 1.50, "deep": {"a":[1e400]}}',
		);
	});

	it('keeps a known field that holds something else than it should', () => {
		const event = only({
			...celeryFields({ type: 'task-succeeded', at: 5 }),
			result: { not: 'a repr' },
			runtime: 'soon',
		});
		expect(event).toMatchObject({ fact: { kind: 'succeeded' } });
		expect(event.group === 'task' && JSON.parse(event.fact.more ?? '')).toEqual({
			result: { not: 'a repr' },
			runtime: 'soon',
		});
	});

	it('is told exactly as it stands in a batch, beside a bad one', () => {
		const good = '{"type": "worker-online",  "hostname": "w@h", "timestamp": 1.50}';
		const { events, bad, textOf } = read(`[{"type": "task-started", "hostname": "w@h", "timestamp": 2}, ${good}, 7]`);
		expect(events).toHaveLength(1);
		expect(textOf(0)).toBe(good);
		expect(bad).toEqual([
			{ reason: 'It names no task (uuid).', text: '{"type": "task-started", "hostname": "w@h", "timestamp": 2}' },
			{ reason: 'An event is an object; this is none.', text: '7' },
		]);
	});

	it('that cannot be read says why', () => {
		const reasons = (bytes: Uint8Array, type = 'application/json') =>
			readEvents(bytes, type).bad.map(({ reason }) => reason);
		expect(reasons(Buffer.from('{'))[0]).toContain('Line 1');
		expect(reasons(Buffer.from([0x22, 0xff, 0x22]))).toEqual(['It is not UTF-8: byte 1 belongs to no character.']);
		expect(reasons(Buffer.from('x'), 'application/x-python-serialize')[0]).toContain('event_serializer');
		expect(reasons(Buffer.from('{"type":"task-sent","hostname":"h","uuid":"u","timestamp":NaN}'))[0]).toContain(
			'timestamp',
		);
		expect(reasons(Buffer.from('{"type":"task-sent","hostname":"h","uuid":"u","timestamp":1e300}'))[0]).toContain(
			'timestamp',
		);
		expect(reasons(Buffer.from('{"hostname":"h","timestamp":1}'))[0]).toContain('type');
		expect(reasons(Buffer.from(`${'['.repeat(50_000)}${']'.repeat(50_000)}`))).toHaveLength(1);
	});

	it('signals are text, also where a worker sends a number', () => {
		const revoked = (signum: unknown) =>
			only({ ...celeryFields({ type: 'task-revoked', at: 1 }), terminated: true, signum, expired: false });
		expect(revoked(15)).toMatchObject({ fact: { signal: '15', terminated: true, expired: false } });
		expect(revoked('Signals.SIGTERM')).toMatchObject({ fact: { signal: 'Signals.SIGTERM' } });
		expect(revoked(null)).not.toHaveProperty('fact.signal');
	});
});

describe('arguments', () => {
	it('become values where they were printed whole, and stay text where something was cut', () => {
		const call = (args: unknown, kwargs: unknown = '{}') => {
			const event = only({ ...celeryFields({ type: 'task-received', at: 1 }), name: 'a.b', args, kwargs });
			return event.group === 'task' && event.call !== null ? observedCall(event.call) : null;
		};
		expect(call("(1, 'two', 12345678901234567890)", "{'a': None}")).toMatchObject({
			argsJson: '[1, "two", 12345678901234567890]',
			kwargsJson: '{"a": null}',
		});
		expect(call('[2,3]')).toMatchObject({ argsJson: '[2, 3]' });
		expect(call("(b'x',)")).toMatchObject({ call: null, argsText: "(b'x',)" });
		expect(call("('a\\b',)")).toMatchObject({ call: null });
		expect(call("('a\nb',)")).toMatchObject({ argsJson: '["a\\nb"]' });
		expect(call("('aaa...',)")).toMatchObject({ call: null, argsText: "('aaa...',)" });
		expect(call('<secret>')).toMatchObject({ call: null, argsText: '<secret>' });
		expect(call(null, null)).toMatchObject({ call: null, argsText: null, name: 'a.b' });
	});
});

describe('exceptions', () => {
	it('take their module and message from the traceback’s last line of that type', () => {
		const trace = (end: string) =>
			`Traceback (most recent call last):\n  File "x.py", line 1, in f\n    raise Boom\n${end}\n`;
		expect(exceptionOf("Boom('a', 2)", trace('shop.errors.Boom: a\nsecond line'))).toEqual({
			type: 'shop.errors.Boom',
			message: 'a\nsecond line',
		});
		expect(exceptionOf("RuntimeError('not yet')", trace('celery.exceptions.Retry: Retry in 1s'))).toEqual({
			type: 'RuntimeError',
			message: 'not yet',
		});
		expect(
			exceptionOf('ExceptionWithTraceback()', trace('billiard.exceptions.TimeLimitExceeded: TimeLimitExceeded(1,)'))
				.type,
		).toBe('billiard.exceptions.TimeLimitExceeded');
		expect(exceptionOf('KeyError(1, 2)', null)).toEqual({ type: 'KeyError', message: '1, 2' });
		expect(exceptionOf('Empty()', null)).toEqual({ type: 'Empty', message: '' });
		expect(exceptionOf('<weird>', null)).toEqual({ type: 'Exception', message: '<weird>' });
		expect(exceptionOf(null, null).type).toBe('Unknown');
	});
});

describe('kombu’s envelope', () => {
	const event = { type: 'worker-online', hostname: 'w@h', timestamp: 1 };
	const envelope = (body: string, properties: unknown) =>
		readEventEnvelope(JSON.stringify({ body, properties, 'content-type': 'application/json' }));

	it('is opened by what it says of its body, base64 or plain', () => {
		const plain = JSON.stringify(event);
		const base64 = envelope(Buffer.from(plain).toString('base64'), {
			body_encoding: 'base64',
			delivery_info: { routing_key: 'worker.online' },
		});
		expect(base64).toMatchObject({ ok: true, value: { routingKey: 'worker.online', contentType: 'application/json' } });
		for (const opened of [base64, envelope(plain, {}), envelope(plain, { body_encoding: 'utf-8' })]) {
			expect(opened.ok && Buffer.from(opened.value.body).toString()).toBe(plain);
		}
	});

	it('that is none says why', () => {
		for (const opened of [
			readEventEnvelope('no'),
			readEventEnvelope('[]'),
			readEventEnvelope('{}'),
			envelope('%', { body_encoding: 'base64' }),
			envelope('x', { body_encoding: 'rot13' }),
		]) {
			expect(opened).toMatchObject({ ok: false, error: { code: 'undecodable' } });
		}
	});
});

describe('whatever arrives', () => {
	it('is read or told as bad, and never throws, however a real message is damaged', () => {
		const bodies = readCapture('amqp-5.6.3').messages.map(({ body }) => body);
		fc.assert(
			fc.property(
				fc.constantFrom(...bodies),
				fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
				fc.nat(4_000),
				(body, changes, length) => {
					const bytes = Uint8Array.from(body.subarray(0, Math.max(1, body.length - (length % body.length))));
					for (const [at, value] of changes) bytes[at % bytes.length] = value;
					const { events, bad, textOf } = readEvents(bytes, 'application/json');
					// An empty list is a message of no events.
					if (Buffer.from(bytes).toString().trim() !== '[]') expect(events.length + bad.length).toBeGreaterThan(0);
					for (const [at, one] of events.entries()) {
						expect(Number.isFinite(one.at)).toBe(true);
						expect(textOf(at).length).toBeGreaterThan(0);
					}
					for (const one of bad) expect(one.reason).not.toBe('');
				},
			),
			{ numRuns: process.env.WARREN_LONG === undefined ? 400 : 20_000 },
		);
	});

	it('may be any JSON at all', () => {
		fc.assert(
			fc.property(fc.json(), (json) => {
				const { events, bad } = readEvents(Buffer.from(json), null);
				expect(events).toEqual([]);
				if (json.trim() !== '[]') expect(bad.length).toBeGreaterThan(0);
			}),
			{ numRuns: 200 },
		);
		expect(readEvents(celeryBody({ type: 'task-started', at: 1 }), null).events).toHaveLength(1);
	});
});
