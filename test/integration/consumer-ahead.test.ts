/** Short tasks, of which a runner is handed several ahead of time, over the built-in broker with real processes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPlace, type Place } from './consumer-place.ts';

const TASKS = `
import os, time
HERE = os.environ['PLACE']

def note(word):
    with open(os.path.join(HERE, 'notes'), 'a') as file:
        file.write('{} {}\\n'.format(os.getpid(), word))

def hook(log, exception):
    note('hook')

def task(number, how):
    note(number)
    if how == 'print':
        print('this is', number)
    if how == 'crash':
        os._exit(7)
    if how == 'fail':
        raise ValueError(number)
    if how == 'long':
        time.sleep(1)
    if how == 'others':
        while len(open(os.path.join(HERE, 'notes')).readlines()) < 200:
            time.sleep(0.01)
    if how == 'hold':
        while not os.path.exists(os.path.join(HERE, 'go')):
            time.sleep(0.01)
`;

const NODE_TASKS = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const note = (word) => appendFileSync(join(process.env.PLACE, 'notes'), process.pid + ' ' + word + '\\n');
export function hook() {
	note('hook');
}
export async function task({ args: [number, how] }) {
	note(number);
	if (how === 'print') console.log('this is', number);
	if (how === 'crash') process.kill(process.pid, 'SIGKILL');
	if (how === 'fail') throw new RangeError(String(number));
	if (how === 'long') await rest(1000);
	if (how === 'others') while (readFileSync(join(process.env.PLACE, 'notes'), 'utf8').split('\\n').length < 201) await rest(10);
	if (how === 'hold') while (!existsSync(join(process.env.PLACE, 'go'))) await rest(10);
	if (how === 'stray') void Promise.reject(new TypeError('nobody waits for this'));
}
`;

async function place(): Promise<Place> {
	const here = await openPlace();
	here.write('tasks.py', TASKS);
	here.write('tasks.mjs', NODE_TASKS);
	return here;
}

/** What ran, in its order. */
function notes(here: Place): readonly string[] {
	const lines = readFileSync(join(here.folder, 'notes'), 'utf8').trim().split('\n');
	return lines.map((line) => line.split(' ')[1] ?? '');
}

/** Sends many quick tasks with odd ones among them; ids by number. */
async function sendAll(here: Place, count: number, odd: ReadonlyMap<number, string>): Promise<readonly string[]> {
	const ids: string[] = [];
	for (let number = 0; number < count; number += 1) {
		const how = odd.get(number) ?? (number % 10 === 1 ? 'print' : 'nothing');
		ids.push(await here.send('tasks.task', [number, how]));
	}
	return ids;
}

describe.each(['python', 'node'] as const)('short tasks in a %s runner', (language) => {
	it('each run once, in their order where there is one slot, with logs of their own, whatever becomes of some of them', async () => {
		await using here = await place();
		const odd = new Map([
			[120, 'crash'],
			[150, 'fail'],
			[180, 'long'],
			[210, 'crash'],
		]);
		const ids = await sendAll(here, 260, odd);
		const hooks = [{ kind: 'function', path: 'tasks.hook' }] as const;
		const view = await here.run({ runner: here[language], prefetch: 64, hooks });
		expect(notes(here).filter((word) => word !== 'hook')).toEqual(ids.map((_, number) => String(number)));
		expect(notes(here).filter((word) => word === 'hook')).toHaveLength(3);
		expect([view.succeeded, view.failed]).toEqual([257, 3]);
		for (const [number, id] of ids.entries()) {
			const task = await here.detail(id);
			const how = odd.get(number);
			expect([number, task.history.length]).toEqual([number, 1]);
			expect([number, task.state]).toEqual([number, how === 'crash' || how === 'fail' ? 'failed' : 'succeeded']);
			if (how === 'crash') expect(task.exception?.type).toBe('WorkerLost');
			if (how === undefined && number % 10 === 1) {
				expect((await here.log(id)).map((line) => line.text)).toEqual([`this is ${number}`]);
			}
		}
	});

	it('are taken by other slots when one of them grows long in front of them', async () => {
		await using here = await place();
		// It ends when all others have run.
		const ids = await sendAll(here, 200, new Map([[150, 'others']]));
		await here.run({ runner: here[language], concurrency: 2, prefetch: 64 });
		const seen = notes(here);
		expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(ids.map((_, number) => String(number)));
		const tasks = await Promise.all(ids.map(here.detail));
		expect(tasks.every((task) => task.state === 'succeeded' && task.history.length === 1)).toBe(true);
	});

	it('are begun again by nobody when their consumer is stopped at once', async () => {
		await using here = await place();
		const ids = await sendAll(here, 400, new Map([[200, 'hold']]));
		const set = here.start({ runner: here[language], prefetch: 64 });
		await here.reaches(ids[200] as string, 'running');
		await set.stop('now');
		expect((await here.detail(ids[200] as string)).state).toBe('lost');
		const before = notes(here).length;
		expect(before).toBe(201);
		writeFileSync(join(here.folder, 'go'), '');
		await here.run({ runner: here[language] });
		const tasks = await Promise.all(ids.map(here.detail));
		expect(tasks.map((task) => task.history.length)).toEqual(ids.map((_, number) => (number === 200 ? 2 : 1)));
		expect(notes(here).filter((number) => number !== '200')).toHaveLength(399);
	});
});

describe('a short task in a Node runner', () => {
	it('that leaves an error behind that nobody awaited fails with it, and none of the next', async () => {
		await using here = await place();
		const ids = await sendAll(here, 160, new Map([[120, 'stray']]));
		await here.run({ runner: here.node, prefetch: 64 });
		const tasks = await Promise.all(ids.map(here.detail));
		expect(tasks[120]).toMatchObject({ state: 'failed', exception: { type: 'TypeError' } });
		expect(tasks.filter((task) => task.state === 'succeeded')).toHaveLength(159);
		expect(notes(here)).toHaveLength(160);
	});
});
