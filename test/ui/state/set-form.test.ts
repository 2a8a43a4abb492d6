import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_LIMITS, type SavedConsumerSet } from '#main/domain/consumer.ts';
import { consumerSetId, profileId } from '#main/domain/ids.ts';
import { readDuration } from '#main/domain/query-values.ts';
import { commandLine, namesIn, SetForm, timeText } from '#renderer/state/set-form.svelte.ts';

const SAVED: SavedConsumerSet = {
	id: consumerSetId('s1'),
	profile: profileId('shop'),
	name: 'mail',
	queues: [
		{ queue: 'mail', consumable: true },
		{ queue: 'bulk', consumable: false, maxPriority: null },
	],
	intent: {
		queues: [],
		concurrency: 4,
		runner: {
			kind: 'python',
			executable: '.venv/bin/python',
			project: '/srv/shop',
			settingsModule: 'shop.settings',
			env: { SHOP_DB: '', REGION: '' },
		},
		untilEmpty: false,
		prefetch: 9,
		priority: null,
		limits: { ...NO_LIMITS, softMs: 30_000, hardMs: 90_000 },
		retries: [
			{ exceptions: ['KeyError'], times: 0, delayMs: 2_000, factor: 2, maxDelayMs: 600_000, jitter: 0.1 },
			{ exceptions: ['*'], times: 3, delayMs: 2_000, factor: 2, maxDelayMs: 600_000, jitter: 0.1 },
		],
		hooks: [{ kind: 'command', command: ['notify', '--text', "it's failed"], timeoutMs: 30_000 }],
		onKnownOutcome: 'ask',
	},
	autoStart: true,
	declare: false,
	createdAt: 1,
	updatedAt: 1,
};

function edit(): SetForm {
	return new SetForm({ mode: 'edit', from: SAVED, taken: ['other'], sandbox: false });
}

describe('times and commands', () => {
	test('are written so that they are read as the same again', () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (ms) => {
				expect(readDuration(timeText(ms))).toBe(ms);
			}),
		);
		expect([timeText(90_000), timeText(5_400_000), timeText(null)]).toEqual(['1m30s', '1h30m', '']);
	});

	test('a word with spaces or quotes stays one word', () => {
		expect(commandLine(['notify', '--text', "it's late"])).toBe("notify --text 'it'\\''s late'");
	});

	test('a space belongs to a name, a comma or a line divides', () => {
		expect(namesIn('mail, slow ones\nbulk,,mail')).toEqual(['mail', 'slow ones', 'bulk']);
	});
});

describe('the form of a saved set', () => {
	test('shows what is saved, and no value of its environment', () => {
		const form = edit();
		expect(form.text).toMatchObject({
			name: 'mail',
			queues: 'mail',
			notConsumed: 'bulk',
			concurrency: '4',
			prefetch: '9',
			softLimit: '30s',
			hardLimit: '1m30s',
			retries: '3',
			retryOn: '',
			retryNever: 'KeyError',
			onKnownOutcome: 'ask',
		});
		expect(form.env.map((row) => [row.name, row.value])).toEqual([
			['SHOP_DB', ''],
			['REGION', ''],
		]);
		expect(form.ready).toBe(true);
	});

	test('asks for nothing but what was changed, so that everything else stays as it is', () => {
		const form = edit();
		expect(form.input).toEqual({ name: 'mail' });
		form.text.concurrency = '6';
		form.text.name = 'letters';
		expect(form.input).toEqual({ name: 'mail', rename: 'letters', concurrency: 6 });
	});

	test('takes back what was emptied', () => {
		const form = edit();
		form.text.prefetch = '';
		form.text.hardLimit = ' ';
		form.text.onFailureRun = '';
		form.text.retries = '0';
		form.runner.settings = '';
		expect(form.input).toMatchObject({
			clear: ['prefetch', 'hardLimit', 'settings'],
			onFailureRun: [],
			retries: 0,
			python: '.venv/bin/python',
			project: '/srv/shop',
		});
		expect(form.input.settings).toBeUndefined();
	});

	test('keeps the values that nobody typed over, sends those that were, and drops what was taken out', () => {
		const form = edit();
		const [db, region] = form.env;
		if (db === undefined || region === undefined) throw new Error('There are two rows.');
		region.value = 'us';
		form.addEnv();
		const added = form.env[2];
		if (added === undefined) throw new Error('There is a third row.');
		added.name = 'DEBUG';
		added.value = '';
		expect(form.input).toMatchObject({ keepEnv: ['SHOP_DB'], env: { REGION: 'us', DEBUG: '' } });
		form.removeEnv(db.key);
		expect(form.input).toMatchObject({ keepEnv: [], env: { REGION: 'us', DEBUG: '' } });
	});

	test('a renamed variable is another one, whose value has to be typed', () => {
		const form = edit();
		const [db] = form.env;
		if (db === undefined) throw new Error('There is a row.');
		db.name = 'MAIN_DB';
		expect(form.ready).toBe(false);
		form.tried = true;
		expect(form.fault('env')).toContain('Type the value of MAIN_DB again');
		db.value = 'postgres://new';
		expect(form.ready).toBe(true);
		expect(form.input).toMatchObject({ keepEnv: ['REGION'], env: { MAIN_DB: 'postgres://new' } });
	});

	test('a copy is named apart, begins as its model, and never starts by itself', () => {
		const form = new SetForm({ mode: 'copy', from: SAVED, taken: ['mail', 'mail copy'], sandbox: false });
		expect(form.input).toEqual({ name: 'mail copy 2', copyOf: 's1' });
		expect(form.autoStart).toBe(false);
	});

	test('names that are taken and numbers that are none are told at their field', () => {
		const form = edit();
		form.text.name = 'other';
		form.text.concurrency = '65';
		form.text.retryJitter = '2';
		expect(form.fault('concurrency')).toContain('1 to 64');
		expect(form.fault('retryJitter')).toContain('0 to 1');
		form.tried = true;
		expect(form.fault('name')).toContain('already');
		expect(form.ready).toBe(false);
	});

	test('what the engine refused stands at its field until that is changed', () => {
		const form = edit();
		form.text.softLimit = '30';
		form.refuse({
			code: 'invalid-input',
			message: 'softLimit: "30" lacks a unit. Write 30s.',
			retryable: false,
			details: { field: 'softLimit' },
			ref: 'r',
		});
		expect(form.fault('softLimit')).toBe('"30" lacks a unit. Write 30s.');
		expect(form.problem).toBeNull();
		form.text.softLimit = '30s';
		expect(form.fault('softLimit')).toBeNull();
		form.refuse({ code: 'unreachable', message: 'The vault is locked.', retryable: true, ref: 'r' });
		expect(form.problem).toBe('The vault is locked.');
	});
});

describe('a new set', () => {
	test('says all of itself, and leaves out what is empty', () => {
		const form = new SetForm({ mode: 'new', from: null, taken: [], sandbox: false, queue: 'default' });
		form.text.name = 'main';
		form.runner.project = '/srv/shop';
		expect(form.input).toEqual({
			name: 'main',
			queues: ['default'],
			notConsumed: [],
			concurrency: 1,
			retries: 0,
			onKnownOutcome: 'drop',
			python: 'python3',
			project: '/srv/shop',
			autoStart: false,
			declare: false,
		});
	});

	test('in the sandbox runs the samples, and other modules where they are named', () => {
		const form = new SetForm({ mode: 'new', from: null, taken: [], sandbox: true, queue: 'default' });
		expect(form.runner.kind).toBe('sandbox');
		expect(form.input.node).toBeUndefined();
		form.runner.kind = 'node';
		form.runner.modules = ' a.mjs \n\nb.mjs';
		expect(form.input.node).toEqual(['a.mjs', 'b.mjs']);
	});
});
