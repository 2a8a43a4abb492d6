import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, OutputSplitter, readMessage, writeJob } from '#main/consumer/protocol.ts';

const runs = process.env.WARREN_LONG === undefined ? 200 : 20_000;

/** Cuts bytes at random places. */
const cuts = (bytes: Buffer, at: readonly number[]): Buffer[] => {
	const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
	return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
};

describe('messages of a runner', () => {
	it('never throw, whatever the line holds', () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
				expect(typeof readMessage(line, 1).kind).toBe('string');
			}),
			{ numRuns: runs },
		);
	});

	it('never throw for objects that are nearly messages', () => {
		const odd = fc.oneof(fc.anything(), fc.constantFrom('returned', 'raised', 'not-found', 'json', 'stdout', 'info'));
		const message = fc.record(
			{
				t: fc.constantFrom('log', 'out', 'end', 'ready', 'failed', 'declined'),
				...{ run: odd, at: odd, level: odd, logger: odd, text: odd, source: odd, kind: odd, ms: odd },
				...{ type: odd, message: odd, traceback: odd, result: odd, tasks: odd, version: odd, reason: odd },
			},
			{ requiredKeys: ['t'] },
		);
		fc.assert(
			fc.property(message, (value) => {
				let line: string;
				try {
					line = JSON.stringify(value);
				} catch {
					return;
				}
				const read = readMessage(line, 1);
				if (read.kind === 'line') expect(Number.isFinite(read.line.at)).toBe(true);
				if (read.kind === 'end') expect(typeof read.run).toBe('string');
			}),
			{ numRuns: runs },
		);
	});

	it.each([
		['{', 'malformed'],
		['null', 'malformed'],
		['[]', 'malformed'],
		['{"t":"other"}', 'malformed'],
		['{"t":"end","kind":"returned"}', 'malformed'],
		['{"t":"end","run":"r","kind":"returned","result":{"kind":"json"}}', 'malformed'],
		['{"t":"log","run":"r"}', 'malformed'],
		['{"t":"log","run":"r","text":"x"}', 'line'],
		['{"t":"end","run":"r","kind":"returned"}', 'end'],
		['{"t":"declined","run":"r"}', 'end'],
	])('reads %s as %s', (line, kind) => {
		expect(readMessage(line, 1).kind).toBe(kind);
	});

	it('gives a line without a usable time the time it was read', () => {
		for (const at of ['"x"', '-1', 'null', '1e999']) {
			expect(readMessage(`{"t":"out","text":"x","at":${at}}`, 42)).toMatchObject({ line: { at: 42 } });
		}
	});

	it('cuts texts beyond their cap and says so', () => {
		const read = readMessage(JSON.stringify({ t: 'out', run: 'r', at: 1, text: 'x'.repeat(600_000) }), 1);
		expect(read).toMatchObject({ line: { text: expect.stringContaining('[cut: 600000 characters in all]') } });
	});
});

describe('a job', () => {
	it('is one line whatever its arguments hold', () => {
		const job = {
			run: 'r',
			name: 'a\nb',
			messageId: 'm',
			attempt: 1,
			queue: 'q',
			argsJson: '[\n"\u2028"]',
			kwargsJson: '{}',
		};
		const line = writeJob(job);
		expect(line.trimEnd().split('\n')).toHaveLength(1);
		expect(JSON.parse(line)).toMatchObject({ name: 'a\nb', args: '[\n"\u2028"]' });
	});
});

describe('lines from chunks', () => {
	it('come out the same wherever the chunks are cut', () => {
		fc.assert(
			fc.property(
				fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))),
				fc.array(fc.nat()),
				(lines, at) => {
					const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
					const splitter = new LineSplitter();
					expect(cuts(bytes, at).flatMap((chunk) => splitter.push(chunk))).toEqual(lines);
				},
			),
			{ numRuns: runs },
		);
	});

	it('drop a line beyond the cap, count it, and go on behind it', () => {
		fc.assert(
			fc.property(fc.array(fc.nat()), (at) => {
				const splitter = new LineSplitter(10);
				const bytes = Buffer.from(`short\n${'x'.repeat(50)}\nagain\n`);
				expect(cuts(bytes, at).flatMap((chunk) => splitter.push(chunk))).toEqual(['short', 'again']);
				expect(splitter.dropped).toBe(1);
			}),
			{ numRuns: runs },
		);
	});
});

describe('raw output', () => {
	it('keeps every character of valid text wherever the chunks are cut', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat()), (text, at) => {
				const clean = text.replaceAll('\r', '');
				const splitter = new OutputSplitter();
				const lines = cuts(Buffer.from(clean), at).flatMap((chunk) => splitter.push(chunk));
				expect([...lines, ...splitter.end()].join('\n')).toBe(clean.replace(/\n$/, ''));
			}),
			{ numRuns: runs },
		);
	});

	it('cuts a line without end into pieces', () => {
		const splitter = new OutputSplitter();
		const pieces = [...splitter.push(Buffer.alloc(100_000, 'x')), ...splitter.end()];
		expect(pieces.length).toBeGreaterThan(3);
		expect(pieces.join('')).toBe('x'.repeat(100_000));
	});

	it('shows bytes that are no text as replacement characters', () => {
		const splitter = new OutputSplitter();
		expect(splitter.push(Buffer.from([0xff, 0x61, 0x0a]))).toEqual(['\ufffda']);
	});
});
