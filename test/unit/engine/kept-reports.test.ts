/** Reports that are shown again while they are young enough. */
import { expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import type { Report } from '#main/domain/report.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { keptReport } from '#main/engine/kept-reports.ts';
import type { WatchNote, WatchStore } from '#main/store/store.ts';
import { manualClock } from '#test/support/manual-clock.ts';

function scene() {
	const notes: WatchNote[] = [];
	const watching: WatchStore = {
		async put(_profile, _kind, some, keep) {
			for (const note of some) {
				const before = notes.findIndex(({ key }) => key === note.key);
				if (before >= 0) notes.splice(before, 1);
				notes.push(note);
			}
			notes.sort((a, b) => b.at - a.at).splice(keep);
		},
		list: async () => notes,
	};
	const clock = manualClock();
	let computed = 0;
	const ask = async (more: { asked?: object; maxAgeMs?: number; fresh?: boolean; answer?: Result<Report> } = {}) => {
		const { answer, ...rest } = more;
		const question = { profile: profileId('shop'), name: 'tasks_top_runs', asked: {}, maxAgeMs: 60_000, fresh: false };
		return keptReport(watching, clock, { ...question, ...rest, name: 'tasks_top_runs' }, async () => {
			computed += 1;
			return answer ?? ok({ data: null, number: computed } as unknown as Report);
		});
	};
	return { clock, notes, ask, computed: () => computed };
}

it('computes anew at the age that was said, and not before', async () => {
	const { clock, ask, computed } = scene();
	const first = await ask();
	await clock.advance(59_999);
	expect(await ask()).toEqual(first);
	await clock.advance(1);
	expect(await ask()).not.toEqual(first);
	expect(computed()).toBe(2);
});

it('keeps answers to different questions apart, and few of them', async () => {
	const { ask, computed, notes } = scene();
	for (let top = 0; top < 10; top += 1) await ask({ asked: { top } });
	expect(computed()).toBe(10);
	expect(notes).toHaveLength(4);
});

it('trusts none from the future, none where the profile keeps none, and keeps no failure', async () => {
	const { clock, ask, computed, notes } = scene();
	await ask({ answer: fail('invalid-input', 'no') });
	expect(notes).toEqual([]);
	await ask();
	const [kept] = notes;
	if (kept === undefined) throw new Error('Nothing was kept');
	notes[0] = { ...kept, at: clock.now() + 10_000 };
	await ask();
	expect(computed()).toBe(3);
	await ask({ maxAgeMs: 0 });
	expect(computed()).toBe(4);
});

it('keeps what was computed because somebody insisted', async () => {
	const { ask, computed } = scene();
	await ask();
	const fresh = await ask({ fresh: true });
	expect(await ask()).toEqual(fresh);
	expect(computed()).toBe(2);
});
