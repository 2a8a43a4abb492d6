import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commands } from '#main/headless/cli/grammar.ts';
import { helpFor } from '#main/headless/cli/help.ts';
import { parseArguments } from '#main/headless/cli/parse.ts';
import { contract } from '#main/ipc/contract.ts';

const known = commands();
const parse = (...args: readonly string[]) => parseArguments(args, known);
const inputOf = (...args: readonly string[]) => {
	const parsed = parse(...args);
	if (parsed.kind !== 'command') throw new Error(JSON.stringify(parsed));
	return parsed.input;
};
const usageOf = (...args: readonly string[]) => {
	const parsed = parse(...args);
	if (parsed.kind !== 'usage') throw new Error(JSON.stringify(parsed));
	return parsed.message;
};

describe('the grammar', () => {
	it('has a command for every route that is not hidden, under the same name', () => {
		const routes = Object.entries(contract).filter(([, route]) => route.cli?.hidden === undefined);
		const names = new Set(known.map((command) => command.name));
		expect(routes.map(([name]) => name.replace('.', ' ')).filter((name) => !names.has(name))).toEqual([]);
	});

	it('says why each hidden route is hidden, and has its commands some other way', () => {
		const hidden = Object.entries(contract).filter(([, route]) => route.cli?.hidden !== undefined);
		expect(hidden.length).toBeGreaterThan(0);
		for (const [, route] of hidden) expect(route.cli?.hidden).not.toBe('');
	});

	it('explains every command with all its flags, without one fault of its own', () => {
		for (const command of known) {
			const help = helpFor(command.name.split(' '), known, { colour: false, width: 100 }) ?? '';
			expect(help).toContain(command.summary);
			for (const { flag } of command.flags) expect(help).toContain(`--${flag}`);
			expect(help).not.toMatch(/undefined|\[object/);
		}
	});

	it('takes no secret as the value of a flag', () => {
		const flags = known.flatMap((command) => command.flags);
		expect(flags.filter(({ flag }) => /password|secret/.test(flag)).length).toBeGreaterThan(0);
		expect(flags.filter(({ flag, stdin }) => /password|secret/.test(flag) && !stdin)).toEqual([]);
	});
});

describe('a command line', () => {
	it('takes global flags anywhere', () => {
		const expected = { home: '/h', profile: 'p', json: true, yes: true, confirm: 'C' };
		for (const args of [
			['--home', '/h', '--profile=p', '--json', '--yes', '--confirm', 'C', 'task', 'list'],
			['task', '--home=/h', 'list', '--json', '--profile', 'p', '--confirm=C', '--yes'],
			['task', 'list', 'x', '--yes', '--confirm', 'C', '--profile', 'p', '--json', '--home', '/h'],
		]) {
			expect(parse(...args)).toMatchObject({ kind: 'command', command: { name: 'task list' }, globals: expected });
		}
	});

	it('reads flags in their types', () => {
		expect(
			inputOf(
				'consumer',
				'run',
				'a',
				'b',
				'--concurrency',
				'4',
				'--until-empty',
				'--env',
				'A=1',
				'--env=B=x=y',
				'--node',
				'one.mjs',
				'--node',
				'two.mjs',
				'--no-scheduler',
			),
		).toEqual({
			queues: ['a', 'b'],
			concurrency: 4,
			untilEmpty: true,
			env: { A: '1', B: 'x=y' },
			node: ['one.mjs', 'two.mjs'],
			noScheduler: true,
		});
		expect(inputOf('profile', 'edit', 'x', '--no-read-only')).toEqual({ name: 'x', readOnly: false });
		expect(inputOf('profile', 'edit', 'x', '--read-only')).toEqual({ name: 'x', readOnly: true });
		expect(inputOf('profile', 'add', 'x', '--broker', 'embedded:', '--queue', 'a', '--queues', 'b')).toEqual({
			name: 'x',
			broker: 'embedded:',
			queues: ['a', 'b'],
		});
	});

	it('takes a query as it is typed, negations too', () => {
		expect(inputOf('task', 'list', 'state:failed', '-queue:bulk', 'two words', '--limit', '5')).toEqual({
			query: 'state:failed -queue:bulk two words',
			limit: 5,
		});
	});

	it('takes values that look like flags after = and words that do after --', () => {
		expect(inputOf('task', 'publish', 'jobs.a', '--args', '-1, 2')).toEqual({ name: 'jobs.a', args: '-1, 2' });
		expect(inputOf('task', 'publish', 'jobs.a', '--args=--x')).toEqual({ name: 'jobs.a', args: '--x' });
		expect(inputOf('task', 'delete', '--', '--json', '-x')).toEqual({ ids: ['--json', '-x'] });
	});

	it('reads secrets from standard input only', () => {
		expect(parse('profile', 'edit', 'x', '--password-stdin')).toMatchObject({ secrets: ['password'] });
		expect(usageOf('profile', 'edit', 'x', '--password-stdin=hunter2')).toContain('standard input');
		expect(usageOf('profile', 'edit', 'x', '--password', 'hunter2')).toContain('--password-stdin');
	});

	it.each([
		[['tsk', 'list'], 'Did you mean "task"'],
		[['task', 'lsit'], 'Did you mean "list"'],
		[['task'], 'list'],
		[['task', 'list', '--limti', '3'], 'Did you mean --limit'],
		[['task', 'list', '--limit'], 'needs a value'],
		[['task', 'list', '--limit', '--json', '--sort'], 'needs a value'],
		[['task', 'list', '--limit', 'many'], 'whole number'],
		[['task', 'show', 'a', 'b'], '"b"'],
		[['task', 'show', 'a', '--id', 'b', '--id', 'c'], 'given twice'],
		[['--limit', '3', 'task', 'list'], 'before its flags'],
		[['consumer', 'run', 'q', '--env', 'NAME'], 'NAME=VALUE'],
		[['task', 'list', '--json=yes'], 'takes no value'],
		[['profile', 'edit', 'x', '--read-only=maybe'], 'true or false'],
		[['task', 'list', '--profile'], 'needs a value'],
	])('explains what is wrong with %j', (args, words) => {
		expect(usageOf(...args)).toContain(words);
	});

	it.each([
		[['help']],
		[[]],
		[['--help']],
		[['-h']],
		[['task', '--help']],
		[['task', 'requeue', '--help']],
		[['help', 'task', 'requeue']],
		[['task', 'requeue', '--bogus', '-h']],
	])('shows help for %j', (args) => {
		expect(parse(...args).kind).toBe('help');
	});

	it('never throws, whatever the words', () => {
		const word = fc.oneof(
			fc.string(),
			fc.constantFrom(
				'task',
				'list',
				'requeue',
				'--json',
				'--limit',
				'3',
				'--',
				'--where',
				'-x',
				'--no-read-only',
				'--=',
				'consumer',
				'run',
				'--env',
			),
		);
		fc.assert(
			fc.property(fc.array(word, { maxLength: 8 }), (args) => {
				expect(['command', 'help', 'version', 'usage']).toContain(parse(...args).kind);
			}),
			{ numRuns: process.env.WARREN_LONG ? 20_000 : 500 },
		);
	});
});
