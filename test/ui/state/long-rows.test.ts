import { describe, expect, test } from 'vitest';
import { LongRows, ROWS_AT_ONCE } from '#renderer/state/long-rows.svelte.ts';

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `shard.${at}`);

describe('the rows of a long table', () => {
	test('are drawn some at a time, more on request, and all of them in the end', () => {
		const rows = new LongRows(
			() => names(250),
			(name) => name,
		);
		expect([rows.many, rows.shown.length]).toEqual([true, ROWS_AT_ONCE]);
		rows.more();
		expect(rows.shown.length).toBe(200);
		rows.more();
		expect(rows.shown.length).toBe(250);
	});

	test('are found by a part of their name, wherever they stand', () => {
		const rows = new LongRows(
			() => names(2_000),
			(name) => name,
		);
		rows.find = ' SHARD.19';
		expect(rows.found.length).toBe(111);
		expect(rows.shown.at(0)).toBe('shard.19');
		rows.find = 'nothing';
		expect(rows.shown).toEqual([]);
	});

	test('reach to the row at the keyboard', () => {
		let at = 0;
		const rows = new LongRows(
			() => names(2_000),
			(name) => name,
			() => at,
		);
		at = 450;
		expect(rows.shown.length).toBe(500);
	});
});
