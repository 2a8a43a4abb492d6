/** Celery's messages over a real RabbitMQ: what Warren sends, a real worker runs; what Celery sends, Warren reads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { openStore } from '#main/store/client.ts';
import { must } from '#test/support/brokers.ts';
import { type CeleryWorker, startCeleryWorker, withCeleryApp } from '#test/support/celery/worker.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { failed, finished, started } from '#test/support/history.ts';
import { type RabbitServer, startRabbit, uniqueName } from '#test/support/rabbitmq.ts';

const QUEUE = uniqueName('lab');
const PARKED = uniqueName('parked');

let home: string;
let rabbit: RabbitServer;
let worker: CeleryWorker;
beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-celery-home-'));
	rabbit = await startRabbit();
	worker = await startCeleryWorker(rabbit.url, [QUEUE]);
	await warrenJson(home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', rabbit.url]);
});
afterAll(async () => {
	await worker?.[Symbol.asyncDispose]();
	await rabbit?.stop();
	rmSync(home, { recursive: true, force: true });
});

const lab = <T>(...args: readonly string[]): Promise<T> => warrenJson<T>(home, ['--profile', 'lab', ...args]);

/** Tells history what a monitor would: that the task of this message failed. */
async function noteFailure(messageId: string): Promise<void> {
	const { id } = await warrenJson<{ readonly id: string }>(home, ['profile', 'show', 'lab']);
	const thread = new URL('../../src-main/store/thread.ts', import.meta.url);
	const opened = must(await openStore({ home, thread, log: silentLog }));
	try {
		const made = { id: messageId, profile: profileId(id), queue: QUEUE };
		const run = `run-${messageId}`;
		await opened.history.apply([started(Date.now(), run, made), finished(Date.now(), run, failed(), 5, profileId(id))]);
	} finally {
		await opened[Symbol.asyncDispose]();
	}
}

describe('what Warren publishes', () => {
	it('is run by a Celery worker with the same arguments, type by type', async () => {
		const { id } = await lab<{ readonly id: string }>(
			...['task', 'publish', 'lab.record', '--queue', QUEUE],
			...['--args', "1, -2.5, 'it\\'s ü\\n', None, True, [1, {'a': 18446744073709551617}], 1e300"],
			...['--kwargs', '{"user": {"id": 9007199254740993}, "empty": []}'],
		);
		const ran = await worker.hasRun('the published task to run', (one) => one.id === id);
		expect(ran).toMatchObject({
			args: `(1, -2.5, "it's ü\\n", None, True, [1, {'a': 18446744073709551617}], 1e+300)`,
			kwargs: "{'user': {'id': 9007199254740993}, 'empty': []}",
			root: id,
			parent: null,
			retries: 0,
			origin: `console@${userInfo().username}`,
			kwargsrepr: "{'user': {'id': 9007199254740993}, 'empty': []}",
			ignore_result: false,
		});
		const check = await lab<{ readonly body: string }>('argument', 'check', '--args', '1', '--kwargs', '{"x": 2}');
		expect(check.body).toMatch(/^\[\[1\], \{"x": 2\}, \{"callbacks": null/);
	});

	it('is refused where JSON cannot hold the arguments, and where no queue takes it', async () => {
		const bytes = await warren(home, [
			'--profile',
			'lab',
			'task',
			'publish',
			'lab.record',
			'--queue',
			QUEUE,
			'--args',
			"b'x'",
		]);
		expect(bytes.code).not.toBe(0);
		expect(bytes.stderr).toContain('bytes, which JSON cannot');
		const nowhere = await warren(home, [
			'--profile',
			'lab',
			'task',
			'publish',
			'lab.record',
			'--queue',
			uniqueName('nowhere'),
		]);
		expect(nowhere.code).not.toBe(0);
	});
});

describe('a failed task', () => {
	it('is requeued with a new id, its arguments and its root, and with others where a person gives some', async () => {
		const { id } = await lab<{ readonly id: string }>(
			'task',
			'publish',
			'lab.shaky',
			'--queue',
			QUEUE,
			'--args',
			"7, 'x'",
		);
		await worker.hasRun('the task to fail', (one) => one.id === id && one.outcome === 'failed');
		await noteFailure(id);
		const again = await lab<{ readonly done: number; readonly items: readonly { readonly messageId: string }[] }>(
			...['task', 'requeue', id],
		);
		expect(again.done).toBe(1);
		const second = again.items[0]?.messageId ?? '';
		expect(second).not.toBe(id);
		expect(await worker.hasRun('it to fail again', (one) => one.id === second)).toMatchObject({
			args: "(7, 'x')",
			root: id,
			retries: 0,
			outcome: 'failed',
		});
		await noteFailure(second);
		writeFileSync(join(worker.place, 'good'), '');
		const mended = await lab<{ readonly items: readonly { readonly messageId: string }[] }>(
			...['task', 'requeue', id, '--args', '8', '--kwargs', '{"y": null}'],
		);
		const third = mended.items[0]?.messageId ?? '';
		expect(await worker.hasRun('the mended one to run', (one) => one.id === third)).toMatchObject({
			args: '(8,)',
			kwargs: "{'y': None}",
			argsrepr: '(8,)',
			root: id,
			outcome: 'fine',
		});
		const shown = await lab<{ readonly attempts: readonly unknown[] }>('task', 'show', id);
		expect(shown.attempts).toMatchObject([{ cause: 'published' }, { cause: 'requeued' }, { cause: 'requeued' }]);
	});
});

describe('what Celery publishes', () => {
	it('is read by a look into its queue, whatever the serializer, and one of it can be deleted', async () => {
		const ids = JSON.parse(
			await withCeleryApp(
				rabbit.url,
				`
import datetime, decimal, json
from celery import chain
out = []
def send(args=(), kwargs=None, **options):
    out.append(app.send_task('lab.record', args, kwargs or {}, queue='${PARKED}', **options).id)
send((1, 'a'), {'b': [2**64 + 1, None]})
send((datetime.date(2026, 1, 2), {1: {2}}, b'\\xff', decimal.Decimal('1.50')), serializer='pickle')
send((1,), {'y': 'z'}, serializer='yaml', compression='zlib')
send((1,), serializer='json', countdown=3600, expires=7200, headers={'tenant': 'acme'}, priority=3)
s = app.signature('lab.record', (1,), queue='${PARKED}') | app.signature('lab.shaky', (2,), queue='${PARKED}')
out.append(s.apply_async(queue='${PARKED}').parent.id)
print(json.dumps(out))
`,
			),
		) as readonly string[];
		const look = await lab<{ readonly items: readonly Peeked[] }>('queue', 'peek', PARKED);
		expect(look.items.map((item) => item.task?.messageId)).toEqual(ids);
		expect(look.items.map((item) => [item.task?.args, item.task?.kwargs])).toMatchObject([
			[[1, 'a'], { b: [expect.anything(), null] }],
			[['datetime.date(2026, 1, 2)', { 1: [2] }, '/w==', "Decimal('1.50')"], {}],
			[[1], { y: 'z' }],
			[[1], {}],
			[[1], {}],
		]);
		expect(look.items[2]?.celery?.body).toMatchObject({
			contentType: 'application/x-yaml',
			compression: 'application/x-gzip',
		});
		expect(look.items[3]?.celery).toMatchObject({
			eta: expect.stringMatching(/^\d{4}-/),
			expires: expect.stringMatching(/^\d{4}-/),
			custom: expect.arrayContaining([['tenant', { type: 'longstr', text: 'acme' }]]),
			doubts: [],
		});
		expect(look.items[4]?.celery?.chain).toMatchObject([{ task: 'lab.shaky' }]);
		expect((await warren(home, ['--profile', 'lab', 'queue', 'peek', PARKED])).stdout).toContain('lab.record');

		const deleted = await lab<{ readonly done: number }>('task', 'delete', ids[1] as string, '--yes');
		expect(deleted.done).toBe(1);
		const left = await lab<{ readonly items: readonly Peeked[] }>('queue', 'peek', PARKED);
		expect(left.items.map((item) => item.task?.messageId)).toEqual(ids.filter((_, index) => index !== 1));
	});

	it('that is nothing of Celery’s is shown with the reason, and stays', async () => {
		const odd = uniqueName('odd');
		await withCeleryApp(
			rabbit.url,
			`
with app.connection_for_write() as c:
    q = c.SimpleQueue('${odd}')
    q.put('hello', serializer=None, content_type='text/plain', content_encoding='utf-8')
    q.close()
`,
		);
		for (const _ of [1, 2]) {
			const look = await lab<{ readonly items: readonly Peeked[] }>('queue', 'peek', odd);
			expect(look.items).toMatchObject([{ task: null, fault: { reason: expect.stringContaining('text/plain') } }]);
		}
	});
});

interface Peeked {
	readonly task: { readonly messageId: string; readonly args: unknown; readonly kwargs: unknown } | null;
	readonly celery: { readonly body: unknown; readonly chain: unknown } | null;
}
