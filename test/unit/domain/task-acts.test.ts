import { describe, expect, it } from 'vitest';
import type { TaskState } from '#main/domain/task.ts';
import { whyNone, whyNot } from '#main/domain/task-acts.ts';

describe('what can be done with a task', () => {
	it('never lets a running one be requeued or deleted, and lets every ended one, and one that will be tried again, be both', () => {
		const ended: readonly TaskState[] = ['succeeded', 'failed', 'retrying', 'revoked', 'rejected', 'lost'];
		for (const state of ended) {
			expect(whyNot('requeue', state)).toBeNull();
			expect(whyNot('delete', state)).toBeNull();
		}
		expect(whyNot('requeue', 'running')).toBe('is running');
		expect(whyNot('delete', 'running')).toBe('is running');
	});

	it('lets one that waits be deleted and revoked, but not sent a second time', () => {
		expect(whyNot('requeue', 'queued')).toBe('still waits in its queue');
		expect(whyNot('delete', 'queued')).toBeNull();
		expect(whyNot('revoke', 'queued')).toBeNull();
	});

	it('lets be revoked what a worker may still run, also what was lost or turned away and may be handed out again', () => {
		for (const state of ['queued', 'running', 'retrying', 'lost', 'rejected'] as const)
			expect(whyNot('revoke', state)).toBeNull();
		for (const state of ['succeeded', 'failed', 'revoked'] as const) expect(whyNot('revoke', state)).toBe('has ended');
	});

	it('bars several only when none of them can be and each is known, and says why of all', () => {
		expect(whyNone('requeue', ['running'])).toBe('It is running');
		expect(whyNone('requeue', ['running', 'queued', 'running'])).toBe('Each is running or still waits in its queue');
		expect(whyNone('requeue', ['running', 'failed'])).toBeNull();
		expect(whyNone('requeue', ['running', null])).toBeNull();
		expect(whyNone('revoke', [])).toBeNull();
	});
});
