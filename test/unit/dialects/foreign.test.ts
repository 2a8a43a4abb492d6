import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import type { MessageProperties } from '#main/domain/message.ts';
import { CARROT_DIALECT, type ForeignMessages } from '#main/domain/profile.ts';

const FOREIGN: ForeignMessages = { task: null, taskKey: null, body: 'envelope', idKey: null };

function read(shape: Partial<ForeignMessages>, body: string, properties: MessageProperties = {}) {
	const dialect = { ...CARROT_DIALECT, foreign: { ...FOREIGN, ...shape } };
	return decodeCarrot({ properties, body: new TextEncoder().encode(body) }, dialect);
}

function task(...given: Parameters<typeof read>) {
	const decoded = read(...given);
	if (decoded.kind === 'fault') throw new Error(decoded.fault.reason);
	return decoded.task;
}

describe('messages of other programs', () => {
	it('stay unreadable where the profile says nothing of them', () => {
		const decoded = decodeCarrot({ properties: {}, body: new TextEncoder().encode('{}') }, CARROT_DIALECT);
		expect(decoded).toMatchObject({ kind: 'fault', fault: { exceptionType: 'UnknownTask' } });
	});

	it('run one task, with the whole object as keyword arguments', () => {
		const read = task({ task: 'shop.hooks.paid', body: 'kwargs' }, '{"order": 12345678901234567890, "ok": true}');
		expect(read).toMatchObject({
			name: 'shop.hooks.paid',
			argsJson: '[]',
			kwargsJson: '{"order": 12345678901234567890, "ok": true}',
		});
	});

	it('run one task, with the whole value as its one argument', () => {
		expect(task({ task: 'a.b', body: 'argument' }, '[1, {"x": null}]')).toMatchObject({
			argsJson: '[[1, {"x": null}]]',
			kwargsJson: '{}',
		});
	});

	it('run the task that their body names, and the other one where it names none', () => {
		const shape = { task: 'shop.other', taskKey: 'event', body: 'kwargs' } as const;
		expect(task(shape, '{"event": "shop.paid", "order": 1}')).toMatchObject({
			name: 'shop.paid',
			kwargsJson: '{"order": 1}',
		});
		expect(task(shape, '{"order": 1}')).toMatchObject({ name: 'shop.other', kwargsJson: '{"order": 1}' });
		expect(task({ taskKey: 'job' }, '{"job": "a.b", "args": [1], "kwargs": {"x": 2}}')).toMatchObject({
			name: 'a.b',
			argsJson: '[1]',
			kwargsJson: '{"x": 2}',
		});
	});

	it('are known by their message id, else by the id in their body, else by their correlation id', () => {
		const shape = { task: 'a.b', body: 'kwargs' } as const;
		expect(task({ ...shape, idKey: 'id' }, '{"id": 77}', { messageId: 'own' }).messageId).toBe('own');
		expect(task({ ...shape, idKey: 'id' }, '{"id": 77}').messageId).toBe('77');
		expect(task({ ...shape, idKey: 'id' }, '{"id": [1]}').messageId).toBeNull();
		expect(task(shape, '{}', { correlationId: 'c-1' }).messageId).toBe('c-1');
		expect(task(shape, '{}').messageId).toBeNull();
	});

	it('do not change how carrot’s own are read: the header decides', () => {
		const headers = [['type', { type: 'longstr', text: 'app.add' }]] as const;
		const shape = { task: 'a.b', taskKey: 'event', body: 'kwargs' } as const;
		expect(task(shape, '{"args": [1], "event": "x"}', { headers })).toMatchObject({
			name: 'app.add',
			argsJson: '[1]',
			kwargsJson: '{}',
		});
		const odd = read(shape, '{}', { headers: [['type', { type: 'bool', value: true }]] });
		expect(odd).toMatchObject({ kind: 'fault', fault: { exceptionType: 'UnknownTask' } });
	});

	it('become faults in words where they do not fit', () => {
		const reason = (...given: Parameters<typeof read>) => {
			const decoded = read(...given);
			return decoded.kind === 'fault' ? `${decoded.fault.exceptionType}: ${decoded.fault.reason}` : 'a task';
		};
		expect(reason({ taskKey: 'event' }, '{"args": []}')).toContain(
			'UnknownTask: The message has no header "type" that names a task and its body has no "event"',
		);
		expect(reason({ task: 'a.b', body: 'kwargs' }, '[1]')).toContain('InvalidMessage: The body is a list');
		expect(reason({ task: 'a.b', body: 'kwargs' }, 'nonsense')).toContain('cannot be read as JSON');
		expect(reason({ task: 'a.b' }, '{"args": {}}')).toContain('"args" is an object');
		expect(reason({ task: 'a.b' }, '')).toContain('empty');
	});

	it('never make the reader throw, whatever the bytes', () => {
		const body = fc.constantFrom<ForeignMessages['body']>('envelope', 'kwargs', 'argument');
		fc.assert(
			fc.property(body, fc.option(fc.string()), fc.oneof(fc.json(), fc.string()), (shape, taskKey, text) => {
				const decoded = read({ task: 'a.b', taskKey, body: shape, idKey: taskKey }, text);
				expect(['task', 'fault']).toContain(decoded.kind);
			}),
			{ numRuns: process.env.WARREN_LONG ? 20_000 : 300 },
		);
	});
});
