import { existsSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { waitFor } from '#test/support/wait.ts';
import { SmallProject } from './small-project.ts';

const read = (project: SmallProject, path: string) => readFileSync(join(project.root, path), 'utf8');
const linesOf = (project: SmallProject, path: string) =>
	existsSync(join(project.root, path)) ? read(project, path).trim().split('\n') : [];

describe('setting up', () => {
	it('installs and builds a fresh clone once, and neither the second time', async () => {
		await using project = await SmallProject.make();
		expect(await project.run('build')).toMatchObject({ code: 0 });
		expect(linesOf(project, 'npm-calls')).toHaveLength(1);
		expect(linesOf(project, 'npm-calls')[0]).toMatch(/^ci /);
		expect(await project.run('warren')).toMatchObject({ code: 0 });
		expect(linesOf(project, 'npm-calls')).toHaveLength(1);
		expect(linesOf(project, 'build-calls')).toHaveLength(1);
	});

	it('installs again when the lock file asks for something else', async () => {
		await using project = await SmallProject.make();
		await project.run('build');
		await project.lock('2.0.0');
		await project.run('warren');
		expect(linesOf(project, 'npm-calls')).toHaveLength(2);
	});

	it('takes over what npm itself installed', async () => {
		await using project = await SmallProject.make();
		await project.run('warren');
		await project.write('node_modules/.warren-setup', 'of another time');
		await project.run('warren');
		expect(linesOf(project, 'npm-calls')).toHaveLength(1);
	});

	it('says how an installation failed, and begins again the next time', async () => {
		await using project = await SmallProject.make();
		await project.write('npm-fails', '');
		const failed = await project.run('warren', ['task', 'list']);
		expect(failed).toMatchObject({ code: 1, stdout: '' });
		expect(failed.stderr).toContain('npm ci failed (exit code 7)');
		expect(failed.stderr).toContain('no such luck');
		const { rm } = await import('node:fs/promises');
		await rm(join(project.root, 'npm-fails'));
		expect(await project.run('warren')).toMatchObject({ code: 0 });
	});

	it('installs once when two start together', async () => {
		await using project = await SmallProject.make();
		const both = await Promise.all([project.run('warren'), project.run('warren')]);
		expect(both.map(({ code }) => code)).toEqual([0, 0]);
		expect(linesOf(project, 'npm-calls')).toHaveLength(1);
	});

	it('says how a build failed', async () => {
		await using project = await SmallProject.make();
		await project.write('build-fails', '');
		const failed = await project.run('build');
		expect(failed.code).toBe(1);
		expect(failed.stderr).toContain('a mistake in line 1');
	});
});

describe('the command line', () => {
	const answer = (stdout: string) =>
		JSON.parse(stdout) as {
			readonly args: readonly string[];
			readonly typed: string;
			readonly entry: string;
			readonly cwd: string;
		};

	it('hands over arguments, input and exit code, and prints nothing of its own', async () => {
		await using project = await SmallProject.make();
		const ended = await project.run('warren', ['--json', 'task list', '3'], {}, 'typed here');
		expect(ended.code).toBe(3);
		expect(answer(ended.stdout)).toMatchObject({ args: ['--json', 'task list', '3'], typed: 'typed here' });
	});

	it('runs the bundle while it is current, and the source once that changed', async () => {
		await using project = await SmallProject.make();
		await project.run('build');
		expect(answer((await project.run('warren')).stdout).entry).toMatch(/out\/main\/cli\.js$/);
		await project.write('src-main/domain/new.ts', '');
		expect(answer((await project.run('warren')).stdout).entry).toMatch(/src-main\/headless\/cli\/main\.ts$/);
		expect(linesOf(project, 'build-calls')).toHaveLength(1);
	});

	it('takes relative paths from where the person is, also under npm', async () => {
		await using project = await SmallProject.make();
		const ended = await project.run('warren', [], {
			npm_lifecycle_event: 'warren',
			INIT_CWD: join(project.root, 'src-main'),
		});
		expect(answer(ended.stdout).cwd).toBe(join(project.root, 'src-main'));
	});

	it('passes signals on and ends as the command does', async () => {
		await using project = await SmallProject.make();
		const running = project.start('warren', ['wait']);
		await waitFor('the command to be under way', () => running.printed().includes('waiting'));
		running.child.kill('SIGTERM');
		expect(await running.ended).toMatchObject({ code: 5, stdout: 'waiting\ntold to end\n' });
	});
});

describe('starting', () => {
	it('prints the address where there is no display, and ends the server with Ctrl+C', async () => {
		await using project = await SmallProject.make();
		const running = project.start('start');
		await waitFor('the address', () => running.printed().includes('Ctrl+C ends it'));
		expect(running.printed()).toContain('Not in Electron: there is no display here.');
		expect(running.printed()).toContain('http://127.0.0.1:9/?token=once');
		running.child.kill('SIGINT');
		expect((await running.ended).code).toBe(0);
		expect(linesOf(project, 'served')).toEqual(['ended']);
	});

	it("opens a browser's window on the address, with a profile in Warren's home", async () => {
		await using project = await SmallProject.make();
		const running = project.start('start', ['--browser', '--home', 'state'], {
			DISPLAY: ':none',
			WARREN_BROWSER: join(project.root, 'browser'),
		});
		await waitFor('the browser', () => existsSync(join(project.root, 'browser-arguments')));
		const args = JSON.parse(read(project, 'browser-arguments')) as readonly string[];
		expect(args).toContain('--app=http://127.0.0.1:9/?token=once');
		expect(args).toContain(`--user-data-dir=${join(project.root, 'state', 'browser')}`);
		running.child.kill('SIGINT');
		expect((await running.ended).code).toBe(0);
		expect(linesOf(project, 'served')).toEqual(['ended']);
	});

	it('ends when its window is closed, however soon', async () => {
		await using project = await SmallProject.make();
		const running = project.start('start', ['--browser', '--home', 'state'], {
			DISPLAY: ':none',
			WARREN_BROWSER: join(project.root, 'browser'),
		});
		await waitFor('the window', () => running.printed().includes('Warren is open in'));
		await project.write('window-closed', '');
		expect((await running.ended).code).toBe(0);
		expect(running.printed()).not.toContain('Warren stays at');
		expect(linesOf(project, 'served')).toEqual(['ended']);
	});

	it.each([
		['was handed over to a browser that runs already', '/bin/true', 'The window is not ours to watch.'],
		['did not open', '/bin/false', 'The window did not open (exit code 1).'],
		['has no browser that could be started', '/bin', 'The window did not open (spawn /bin EACCES).'],
	])('keeps serving when the window %s', async (_what, browser, words) => {
		await using project = await SmallProject.make();
		const running = project.start('start', ['--browser'], { DISPLAY: ':none', WARREN_BROWSER: browser });
		await waitFor('the address', () => running.printed().includes('Warren stays at http://127.0.0.1:9/?token=once'));
		expect(running.printed()).toContain(words);
		expect(running.printed()).not.toContain('Warren is open in');
		running.child.kill('SIGTERM');
		expect((await running.ended).code).toBe(143);
		expect(linesOf(project, 'served')).toEqual(['ended']);
	});

	it('finds a browser behind a folder of the path that cannot be looked at', async () => {
		await using project = await SmallProject.make();
		await project.link('loop', join(project.root, 'loop'));
		await cp(join(project.root, 'browser'), join(project.root, 'bin/chromium'));
		const running = project.start('start', ['--browser', '--home', 'state'], {
			DISPLAY: ':none',
			WARREN_BROWSER: '',
			PATH: [join(project.root, 'loop'), join(project.root, 'bin'), process.env.PATH].join(delimiter),
		});
		await waitFor('the window', () =>
			running.printed().includes(`Warren is open in ${join(project.root, 'bin/chromium')}.`),
		);
		running.child.kill('SIGINT');
		expect((await running.ended).code).toBe(0);
	});

	it('leaves nothing running when it fails itself', async () => {
		await using project = await SmallProject.make();
		await project.write(
			'resources/launch/browser.mjs',
			`export const hasDisplay = () => true;
			export const holdsProfile = () => false;
			export const windowArguments = () => [];
			export const findBrowser = () => { throw new Error('a mistake of ours'); };`,
		);
		const ended = await project.run('start', ['--browser']);
		expect(ended.code).toBe(1);
		expect(ended.stderr).toContain('a mistake of ours');
		expect(linesOf(project, 'served')).toEqual(['ended']);
	});
});
