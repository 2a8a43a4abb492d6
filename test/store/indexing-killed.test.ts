/** The index of an older home is made by a process that is killed again and again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { openForReading } from '#main/store/handles.ts';
import { prepareFile } from '#main/store/migrate.ts';
import { MIGRATIONS } from '#main/store/migrations/all.ts';
import { readCalls } from '#main/store/reader.ts';
import { factQuery, gramQuery, piecesOf } from '#main/store/search-words.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { testHome } from './open.ts';

const CHILD = fileURLToPath(new URL('indexing-child.ts', import.meta.url));
/** Of step 11: so many tasks, of which so many had been given words, but none for the ranges of their numbers. */
const [TASKS, WORDED] = [1_800, 1_200];
const OLD = profileId('p');
/** Whatever the index proposes is taken, however few rows there are to compare. */
const BY_INDEX = { few: 0, many: 1_000, walkMs: 0, counted: 0, countedProposals: 100_000 };

function fill(file: string): void {
	const before = prepareFile(file, 1, MIGRATIONS.slice(0, 11));
	if (!before.ok) throw new Error(before.error.message);
	const { db } = before;
	const put = (sql: string) => db.prepare(sql);
	const task = put(
		`INSERT INTO tasks (profile, id, name, state, attempts, updated_at) VALUES (1, ?, 'shop.add', 2, 1, ?)`,
	);
	const text = put(`INSERT INTO task_texts (seq, args, kwargs, preview) VALUES (?, '[]', ?, '')`);
	const grams = put('INSERT INTO search_grams (rowid, text) VALUES (?, ?)');
	const facts = put(`INSERT INTO search_facts (rowid, facts) VALUES (?, '')`);
	db.transaction(() => {
		db.exec(`INSERT INTO profile_keys (id) VALUES ('p'); INSERT INTO counts VALUES (1, 2, ${TASKS})`);
		for (let seq = 1; seq <= TASKS; seq += 1) {
			task.run(`t${seq}`, seq);
			text.run(seq, JSON.stringify({ amount: seq / 4, word: wordOf(seq) }));
			if (seq > WORDED) continue;
			grams.run(seq, `shop.add\nt${seq}\n{"amount": ${seq / 4}, "word": "${wordOf(seq)}"}\n\n`);
			facts.run(seq);
			// What changed since it was given words, and was not worked off before the update.
			if (seq % 100 === 0) db.exec(`INSERT INTO search_dirty (seq) VALUES (${seq})`);
		}
		db.exec(`UPDATE search_upto SET seq = ${WORDED}`);
	})();
	db.close();
}

function wordOf(seq: number): string {
	return `<${seq}>`;
}

/** Works in the background until it has said `steps` steps, and is killed in the midst of the next; true: there was nothing left to do. */
async function workedOff(file: string, steps: number): Promise<boolean> {
	const child = spawn(process.execPath, [CHILD, file], { stdio: ['ignore', 'pipe', 'pipe'] });
	let problem = '';
	let done = false;
	child.stderr.on('data', (text) => {
		problem += String(text);
	});
	createInterface({ input: child.stdout }).on('line', (text) => {
		const said = JSON.parse(text) as { readonly step?: number; readonly done?: true };
		done ||= said.done === true;
		if (said.step !== undefined && said.step >= steps) child.kill('SIGKILL');
	});
	await once(child, 'close');
	if (child.exitCode !== 0 && child.signalCode === null) throw new Error(problem);
	return done;
}

/** Where the work stands: tasks up to `upto` have words, those above `numbers` also the ranges of their numbers. */
function standOf(db: Database.Database) {
	const one = (sql: string) => db.prepare<[], number>(sql).pluck().get() ?? -1;
	return {
		upto: one('SELECT seq FROM search_upto'),
		numbers: one('SELECT seq FROM search_numbers'),
		dirty: one('SELECT count(*) FROM search_dirty'),
	};
}

it('loses and doubles nothing when the making of an older home’s index is killed, and goes on where it was', {
	timeout: 600_000,
}, async () => {
	using home = testHome();
	fill(home.file);
	const random = randomFrom(11);
	let before = { upto: WORDED, numbers: WORDED, dirty: WORDED / 100 };
	let rounds = 0;
	for (let done = false; !done; rounds += 1) {
		done = await workedOff(home.file, 1 + Math.floor(random() * 5));
		{
			using db = openForReading(home.file, () => {});
			const calls = readCalls(db, BY_INDEX);
			const total = (query: string) => calls.count(OLD, query, 0);
			expect(total(`kwargs.amount:>${(TASKS - 20) / 4}`)).toEqual({ ok: true, value: 20 });
			expect(total('kwargs.amount:<=5')).toEqual({ ok: true, value: 20 });
			expect(total(`kwargs.word:"${wordOf(TASKS)}"`)).toEqual({ ok: true, value: 1 });
			expect(total(`"${wordOf(100)}" OR "${wordOf(TASKS - 1)}"`)).toEqual({ ok: true, value: 2 });
		}
		const file = new Database(home.file, { readonly: true });
		const stand = standOf(file);
		expect(file.pragma('integrity_check', { simple: true })).toBe('ok');
		file.close();
		// Never backwards.
		expect({
			rounds,
			back: stand.upto < before.upto || stand.numbers > before.numbers || stand.dirty > before.dirty,
		}).toEqual({ rounds, back: false });
		before = stand;
	}
	expect(rounds).toBeGreaterThan(3);
	expect(before).toEqual({ upto: TASKS, numbers: 0, dirty: 0 });
	const file = new Database(home.file, { readonly: true });
	const facts = file.prepare<[string], number>('SELECT rowid FROM search_facts WHERE search_facts MATCH ?').pluck();
	const grams = file.prepare<[string], number>('SELECT rowid FROM search_grams WHERE search_grams MATCH ?').pluck();
	for (let seq = 1; seq <= TASKS; seq += 1) {
		const word = factQuery('kwargs', ['word'], { kind: 'is', text: wordOf(seq), quoted: true });
		expect({ seq, found: facts.all(word) }).toEqual({ seq, found: [seq] });
		const found = grams.all(gramQuery(piecesOf(wordOf(seq))));
		expect({
			seq,
			times: found.filter((row) => row === seq).length,
			each: new Set(found).size === found.length,
		}).toEqual({
			...{ seq, times: 1, each: true },
		});
	}
	const all = facts.all(factQuery('kwargs', ['amount'], { kind: 'compare', op: '>', value: 0 }));
	expect({ all: all.length, each: new Set(all).size }).toEqual({ all: TASKS, each: TASKS });
	file.close();
});
