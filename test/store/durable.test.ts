/** What a power cut may not take back. */
import { expect, it } from 'vitest';
import { prepareFile } from '#main/store/migrate.ts';
import { type WriteRequest, Writer } from '#main/store/writer.ts';
import { claimed, fired } from '#test/support/schedule-samples.ts';
import { testHome } from './open.ts';

it('is a claim: it is on the disk before anybody publishes; what only tells of the past is not waited for', () => {
	using home = testHome();
	const prepared = prepareFile(home.file, 1);
	if (!prepared.ok) throw new Error(prepared.error.message);
	const { db } = prepared;
	using writer = new Writer(db, home.file, () => {});
	const exec = db.exec.bind(db);
	const level = () => db.pragma('synchronous', { simple: true });
	let atCommit: unknown = null;
	db.exec = (sql) => {
		if (sql === 'COMMIT') atCommit = level();
		return exec(sql);
	};
	const [FULL, NORMAL] = [2, 1];
	const lease = { name: 'scheduler', holder: 'here' };
	const committed = (...requests: readonly WriteRequest[]) => {
		const outcomes = writer.run(requests);
		expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
		return atCommit;
	};
	const hold = { name: 'hold', args: [lease.name, lease.holder, 60_000, 1_000] };
	const claim = { name: 'claimRuns', args: [[claimed('k', 1_000)], lease, 1_000] };
	const settle = (...runs: readonly unknown[]) => ({ name: 'settleRuns', args: [runs, lease, 1_000] });
	expect(committed(hold)).toBe(NORMAL);
	expect(committed(claim)).toBe(FULL);
	expect(level()).toBe(NORMAL);
	expect(committed(settle(fired(claimed('k', 1_000))))).toBe(NORMAL);
	// One that failed and is about to be published again.
	expect(committed(settle(fired(claimed('l', 1_000)), claimed('k', 2_000)))).toBe(FULL);
	expect(committed(hold, claim)).toBe(FULL);
	expect(committed(hold)).toBe(NORMAL);
	// Also where the transaction is taken back.
	expect(writer.run([{ name: 'claimRuns', args: [null, lease, 1_000] }])[0]?.ok).toBe(false);
	expect(level()).toBe(NORMAL);
});
