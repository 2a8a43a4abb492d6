import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fail, ok } from '#main/domain/result.ts';
import { contract, type RouteName } from '#main/ipc/contract.ts';
import { describeFields } from '#main/ipc/describe.ts';
import { createRouter } from '#main/ipc/router.ts';
import { testContext, testPorts } from '#test/support/router-ports.ts';

const runs = process.env.WARREN_LONG ? 5_000 : 200;

/** What a command needs besides its profile, where the schema alone does not say. */
const PARTICULAR: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
	'task.requeue': { ids: ['a'] },
	'task.delete': { ids: ['a'] },
	'group.merge': { others: ['fedcba9876543210'] },
};

/** A valid input made from the schema: every needed field with the first of some plain values that it takes. */
function validInput(name: RouteName): Readonly<Record<string, unknown>> {
	const shape: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>> =
		contract[name].input.shape;
	const plain: readonly unknown[] = [
		'a',
		'0123456789abcdef',
		1,
		true,
		['a'],
		[1],
		'{}',
		{},
		'2026-01-01T00:00:00Z',
		'https://host/path',
	];
	const needed = describeFields(contract[name]).filter((field) => field.required);
	const filled = needed.map((field) => {
		const candidates = [...field.choices, ...plain];
		return [field.name, candidates.find((value) => shape[field.name]?.safeParse(value).success)];
	});
	return { ...Object.fromEntries(filled), ...PARTICULAR[name] };
}

const guardedCommands = Object.entries(contract)
	.filter(([name, route]) => route.kind === 'command' && (route.scope === 'deployment' || name === 'profile.remove'))
	.map(([name, route]) => ({ name: name as RouteName, field: route.scope === 'deployment' ? 'profile' : 'name' }));

describe('a read-only profile', () => {
	it('is tested with an input that each command of the contract would take', () => {
		expect(guardedCommands.length).toBeGreaterThan(4);
		const refused = guardedCommands.filter(
			({ name, field }) => !contract[name].input.safeParse({ ...validInput(name), [field]: 'locked' }).success,
		);
		expect(refused.map(({ name }) => `${name} needs an entry in PARTICULAR`)).toEqual([]);
	});

	it.each(guardedCommands)('refuses $name', async ({ name, field }) => {
		const ports = testPorts();
		const router = createRouter(ports);
		const answer = await router.call(name, { ...validInput(name), [field]: 'locked' }, testContext(), 'locked');
		expect(answer).toMatchObject({ ok: false, error: { code: 'read-only' } });
		expect(ports.reached).toEqual([]);
		expect(ports.audited).toMatchObject([{ route: name, profile: 'locked', outcome: 'read-only' }]);
	});

	it.each(guardedCommands)('lets no input whatever through to $name', async ({ name, field }) => {
		const ports = testPorts();
		const router = createRouter(ports);
		const noise = fc.dictionary(
			fc.constantFrom(...Object.keys(contract[name].input.shape), 'where', 'review', 'dryRun', '__proto__'),
			fc.jsonValue(),
		);
		await fc.assert(
			fc.asyncProperty(
				fc.oneof(noise, fc.jsonValue()),
				fc.option(fc.string(), { nil: undefined }),
				async (input, confirm) => {
					const mixed =
						typeof input === 'object' && input !== null && !Array.isArray(input)
							? { ...validInput(name), ...input, [field]: 'locked' }
							: input;
					const answer = await router.call(name, mixed, testContext(), confirm);
					expect(answer.ok).toBe(false);
				},
			),
			{ numRuns: runs },
		);
		expect(ports.reached).toEqual([]);
		expect(ports.audited.length).toBeGreaterThan(0);
	});

	it('still answers queries and can be unlocked again', async () => {
		const ports = testPorts();
		const router = createRouter(ports);
		expect(await router.call('task.list', { profile: 'locked' }, testContext())).toMatchObject({ ok: true });
		expect(await router.call('profile.edit', { name: 'locked', readOnly: false }, testContext())).toMatchObject({
			ok: true,
		});
	});
});

describe('a production profile', () => {
	it.each([undefined, '', 'shop', 'Shop ', 'dev'])(
		'refuses a destructive command confirmed with %j',
		async (confirm) => {
			const ports = testPorts();
			const answer = await createRouter(ports).call(
				'task.delete',
				{ profile: 'Shop', ids: ['a'] },
				testContext(),
				confirm,
			);
			expect(answer).toMatchObject({ ok: false, error: { code: 'not-confirmed', details: { profile: 'Shop' } } });
			expect(answer.ok ? '' : answer.error.message).toContain('--confirm Shop');
			expect(ports.reached).toEqual([]);
		},
	);

	it('takes it with its name typed, even when the profile was given by its id', async () => {
		const ports = testPorts();
		const answer = await createRouter(ports).call(
			'task.delete',
			{ profile: 'shop', ids: ['a'] },
			testContext(),
			'Shop',
		);
		expect(answer.ok).toBe(true);
		expect(ports.reached).toHaveLength(1);
	});

	it('asks for its name before it is removed', async () => {
		const router = createRouter(testPorts());
		expect(await router.call('profile.remove', { name: 'Shop' }, testContext())).toMatchObject({
			error: { code: 'not-confirmed' },
		});
		expect(await router.call('profile.remove', { name: 'Shop' }, testContext(), 'Shop')).toMatchObject({ ok: true });
	});

	it('asks for no name for a dry run, which changes nothing, and for it again when it is meant', async () => {
		const router = createRouter(testPorts());
		const input = { profile: 'Shop', ids: ['a'] };
		expect(await router.call('task.delete', { ...input, dryRun: true }, testContext())).toMatchObject({ ok: true });
		expect(await router.call('task.delete', { ...input, dryRun: false }, testContext())).toMatchObject({
			error: { code: 'not-confirmed' },
		});
	});

	it('needs no name for a command that destroys nothing', async () => {
		const answer = await createRouter(testPorts()).call('task.requeue', { profile: 'Shop', ids: ['a'] }, testContext());
		expect(answer.ok).toBe(true);
	});
});

describe('inputs', () => {
	const messageFor = async (route: string, input: unknown) => {
		const answer = await createRouter(testPorts()).call(route, input, testContext());
		if (answer.ok) throw new Error('It was accepted.');
		expect(answer.error.code).toBe('invalid-input');
		return answer.error.message;
	};

	it('reach the handler parsed, with defaults filled in', async () => {
		const ports = testPorts();
		await createRouter(ports).call('task.publish', { profile: 'dev', name: 'jobs.ok' }, testContext());
		expect(ports.reached[0]?.input).toMatchObject({ kwargs: '{}', priority: 0, count: 1 });
	});

	it('are refused by a message that names the field and what is allowed', async () => {
		expect(await messageFor('task.publish', { profile: 'dev', name: 'a', priority: 256 })).toBe(
			'priority: must be at most 255.',
		);
		expect(await messageFor('task.publish', { profile: 'dev' })).toBe('name: is missing (text).');
		expect(await messageFor('task.list', { profile: 'dev', sort: 'size' })).toMatch(
			/^sort: must be finishedAt, .* or state\.$/,
		);
		expect(await messageFor('task.list', { profile: 'dev', limit: 1.5 })).toBe('limit: must be a whole number.');
		expect(await messageFor('profile.show', { name: '' })).toBe('name: must not be empty.');
		expect(await messageFor('profile.show', { name: 'x', nmae: 1 })).toBe(
			'nmae: there is no such field; it takes name.',
		);
		expect(await messageFor('app.info', null)).toBe('The input must be an object.');
		expect(await messageFor('consumer.run', { profile: 'dev', queues: [] })).toBe('queues: must have at least 1 item.');
	});

	it.each(['nope', 'task.lst', 'constructor', '__proto__', 'toString', ''])(
		'are not looked at for the unknown route %j',
		async (name) => {
			const ports = testPorts();
			const router = createRouter(ports);
			expect(await router.call(name, {}, testContext())).toMatchObject({ ok: false, error: { code: 'not-found' } });
			expect(await router.open(name, {}, { snapshot() {}, put() {}, end() {} }, testContext())).toMatchObject({
				error: { code: 'not-found' },
			});
			expect(ports.audited).toEqual([]);
		},
	);

	it('name an unknown profile before anything is done', async () => {
		const ports = testPorts();
		const answer = await createRouter(ports).call('task.requeue', { profile: 'nope', ids: ['a'] }, testContext());
		expect(answer).toMatchObject({ ok: false, error: { code: 'not-found' } });
		expect(ports.reached).toEqual([]);
		expect(ports.audited).toMatchObject([{ outcome: 'not-found', profile: 'nope' }]);
	});

	it('guess what a misspelt route was to be', async () => {
		const answer = await createRouter(testPorts()).call('task.lits', {}, testContext());
		expect(answer.ok ? '' : answer.error.message).toContain('"task.list"');
	});
});

describe('the audit', () => {
	it('gets one line per command with its outcome and how much it changed, and none for queries', async () => {
		const ports = testPorts({
			calls: {
				'task.requeue': async () => ok({ done: 7, dryRun: false }),
				'task.delete': async () => fail('conflict', 'The review is stale.'),
			},
		});
		const router = createRouter(ports);
		await router.call('task.requeue', { profile: 'dev', ids: ['a'] }, testContext());
		await router.call('task.delete', { profile: 'dev', ids: ['a'] }, testContext());
		await router.call('task.list', { profile: 'dev' }, testContext());
		await router.call('task.publish', { profile: 'dev' }, testContext());
		expect(ports.audited.map(({ route, outcome, changed }) => [route, outcome, changed])).toEqual([
			['task.requeue', 'done', 7],
			['task.delete', 'conflict', null],
			['task.publish', 'invalid-input', null],
		]);
		expect(ports.audited[0]).toMatchObject({ host: 'test', actor: 'tester', profile: 'dev' });
	});

	it('never holds a password, however it was given', async () => {
		const ports = testPorts();
		const router = createRouter(ports);
		const secret = 's3cr3t@/pw';
		const add = (fields: object) => router.call('profile.add', { name: 'new', ...fields }, testContext());
		await add({ broker: `amqp://user:${secret}@host:5672/vhost`, password: secret });
		await add({ broker: JSON.stringify({ NAME: 'v', PASSWORD: secret, HOST: 'h' }) });
		await add({ broker: 'embedded:', monitor: `https://u:${secret}@site/carrot/` });
		await router.call(
			'task.publish',
			{ profile: 'dev', name: 'a', kwargs: `{"api_key": "${secret}", "n": 1}` },
			testContext(),
		);
		await router.call('consumer.run', { profile: 'dev', queues: ['q'], env: { DATABASE: secret } }, testContext());
		const kept = JSON.stringify(ports.audited);
		expect(ports.audited).toHaveLength(5);
		expect(kept).not.toContain('s3cr3t');
		expect(kept).toContain('host:5672');
		expect(kept).toContain('DATABASE');
	});

	it('keeps long inputs short', async () => {
		const ports = testPorts();
		const ids = Array.from({ length: 50_000 }, (_, i) => `task-${i}`);
		await createRouter(ports).call('task.requeue', { profile: 'dev', ids }, testContext());
		expect(ports.audited[0]?.input.length).toBeLessThanOrEqual(4_000);
		expect(ports.audited[0]?.input).toContain('50000 in all');
	});

	it('that cannot be written is told to the log and changes no answer', async () => {
		const ports = testPorts({
			audit: async () => {
				throw new Error('disk full');
			},
		});
		const answer = await createRouter(ports).call('task.requeue', { profile: 'dev', ids: ['a'] }, testContext());
		expect(answer.ok).toBe(true);
		expect(ports.defects).toHaveLength(1);
	});
});

describe('a handler that throws', () => {
	it('becomes an internal error whose ref names the line in the log, without its words', async () => {
		const ports = testPorts({
			calls: {
				'task.list': async () => {
					throw new Error('secret detail');
				},
			},
		});
		const answer = await createRouter(ports).call('task.list', { profile: 'dev' }, testContext());
		if (answer.ok) throw new Error('It was accepted.');
		expect(answer.error.code).toBe('internal');
		expect(answer.error.message).not.toContain('secret detail');
		expect(ports.defects).toMatchObject([{ ref: answer.error.ref, route: 'task.list' }]);
	});

	it('because it was cancelled says just that', async () => {
		const abort = new AbortController();
		const ports = testPorts({
			calls: {
				'task.list': async (_input, context) => {
					abort.abort();
					context.signal.throwIfAborted();
					return ok(null);
				},
			},
		});
		const answer = await createRouter(ports).call('task.list', { profile: 'dev' }, testContext(abort.signal));
		expect(answer).toMatchObject({ ok: false, error: { code: 'cancelled' } });
		expect(ports.defects).toEqual([]);
	});
});
