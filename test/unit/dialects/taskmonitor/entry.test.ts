import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvLayout, csvLine, neutralised, readCsv, restored } from '#main/dialects/csv.ts';
import { entryHeader, entryLine, isEntryHeader, type LogEntry, readEntry } from '#main/dialects/taskmonitor/entry.ts';

const vectors = JSON.parse(
	readFileSync(join(import.meta.dirname, '../../../fixtures/taskmonitor/vectors.json'), 'utf8'),
);
const text: string = vectors.csv.text;
const plain: CsvLayout = { delimiter: ';', neutralise: false };
const careful: CsvLayout = { delimiter: ';', neutralise: true };

function entriesOf(csv: string): readonly LogEntry[] {
	const [header = [], ...records] = readCsv(csv, ';', true).records;
	expect(isEntryHeader(header)).toBe(true);
	return records.map((record) => {
		const read = readEntry(record, header);
		if (!read.ok) throw new Error(read.error.message);
		return read.value;
	});
}

const micro = fc.integer({ min: 0, max: 4_000_000_000_000_000 }).map((us) => us / 1000);
const word = fc.string({ unit: 'grapheme', maxLength: 12 });
const entry: fc.Arbitrary<LogEntry> = fc.record({
	id: fc.integer({ min: 1 }),
	appName: word,
	exception: word,
	parentId: fc.option(fc.uuid()),
	priority: fc.option(fc.integer({ min: 0, max: 255 })),
	retries: fc.nat(),
	received: fc.option(micro),
	runtime: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true })),
	started: fc.option(micro),
	state: fc.constantFrom('success' as const, 'retry' as const, 'failure' as const),
	taskId: fc.uuid(),
	taskName: word,
	timestamp: micro,
});

describe('the task log as CSV', () => {
	it('is written byte for byte as aa-taskmonitor writes it', () => {
		const written = entriesOf(text).map((one) => entryLine(one, plain));
		expect(entryHeader(plain) + written.join('')).toBe(text);
	});

	it('comes back as it was written', () => {
		fc.assert(
			fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
				const read = entriesOf(entryHeader(plain) + entries.map((one) => entryLine(one, plain)).join(''));
				const near = (one: LogEntry) => ({
					...one,
					runtime: one.runtime === null ? null : one.runtime + 0,
					received: one.received === null ? null : Math.round(one.received * 1000),
					started: one.started === null ? null : Math.round(one.started * 1000),
					timestamp: Math.round(one.timestamp * 1000),
				});
				expect(read.map(near)).toEqual(entries.map(near));
			}),
		);
	});

	it.each([
		['state', 'done'],
		['timestamp', 'yesterday'],
		['timestamp', ''],
		['priority', 'high'],
		['task_id', ''],
	])('says that the column %s cannot be "%s"', (column, cell) => {
		const [header = [], record = []] = readCsv(text, ';', true).records;
		const changed = record.map((one, at) => (header[at] === column ? cell : one));
		const read = readEntry(changed, header);
		expect(read).toMatchObject({ ok: false, error: { code: 'invalid-input', details: { column } } });
	});

	it('says that a record has too few columns', () => {
		const [header = []] = readCsv(text, ';', true).records;
		expect(readEntry(['7'], header)).toMatchObject({ ok: false, error: { details: { column: 'columns' } } });
	});
});

describe('CSV', () => {
	it('stays text in a spreadsheet where it would be a formula', () => {
		for (const formula of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =cmd()', '"=1', '\r\n=1']) {
			const [record] = readCsv(csvLine(['a', formula], careful), ';', true).records;
			expect(record?.[1]).toBe(`'${formula}`);
			expect(restored(record?.[1] ?? '')).toBe(formula);
		}
		expect(csvLine([-1, 'plain', null], careful)).toBe('-1;plain;\r\n');
	});

	it('gives every text back that it made harmless', () => {
		fc.assert(
			fc.property(fc.string(), (one) => {
				expect(restored(neutralised(one))).toBe(one);
			}),
		);
	});

	it('reads a file in pieces cut anywhere as it reads it whole', () => {
		const record = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ';', '\r', '\n', '=') }), {
			minLength: 2,
			maxLength: 4,
		});
		fc.assert(
			fc.property(fc.array(record, { maxLength: 6 }), fc.nat(), (records, cut) => {
				const whole = records.map((one) => csvLine(one, plain)).join('');
				expect(readCsv(whole, ';', true).records).toEqual(records);
				const at = whole.length === 0 ? 0 : cut % whole.length;
				const first = readCsv(whole.slice(0, at), ';', false);
				const second = readCsv(whole.slice(first.read), ';', true);
				expect([...first.records, ...second.records]).toEqual(records);
			}),
		);
	});

	it('tells of a quote that never closes', () => {
		expect(readCsv('a;"b\r\nc', ';', true)).toMatchObject({ open: true, records: [['a', 'b\r\nc']] });
	});
});
