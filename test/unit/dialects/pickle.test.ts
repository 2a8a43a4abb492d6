import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPickleNodes } from '#main/dialects/python/pickle.ts';
import { readPickle } from '#main/dialects/python/pickle-values.ts';
import { writeLiteral } from '#main/dialects/python/write.ts';

interface Sample {
	/** How Python prints it; null where that differs between protocols. */
	readonly shown: string | null;
	readonly pickles: readonly string[];
}

const samples = JSON.parse(
	readFileSync(new URL('../../fixtures/python/pickles.json', import.meta.url), 'utf8'),
) as readonly Sample[];

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

function shown(bytes: Uint8Array): string {
	const read = readPickle(bytes);
	return read.ok ? writeLiteral(read.value) : `${read.error.code}: ${read.error.message}`;
}

describe('pickles as inert data', () => {
	it('shows what Python prints, in every protocol', () => {
		for (const sample of samples) {
			for (const [index, pickle] of sample.pickles.entries()) {
				const text = shown(bytesOf(pickle));
				if (sample.shown === null)
					expect(text).toMatch(/^(?:shop\.models\.Colour(?:\.RED|\(1\))|fractions\.Fraction\(.*\))$/);
				else expect(text, `${sample.shown} as pickle ${index}`).toBe(sample.shown);
			}
		}
	});

	it('shows a call that would run a command, and makes none', () => {
		expect(shown(latin1("cos\nsystem\n(S'touch /tmp/owned'\ntR."))).toBe("os.system('touch /tmp/owned')");
		expect(shown(latin1("(S'id'\nios\nsystem\n."))).toBe("os.system('id')");
		expect(shown(latin1("(cos\nsystem\nS'id'\no."))).toBe("os.system('id')");
		expect(shown(latin1("c__builtin__\neval\n(S'1+1'\ntR."))).toBe("builtins.eval('1+1')");
	});

	it('collects what is appended to and set in objects of unknown classes, in pieces too', () => {
		expect(shown(latin1('cshop\nBag\n)\x81I1\naI2\na.'))).toBe('shop.Bag([1, 2])');
		expect(shown(latin1("cshop\nMap\n)\x81S'a'\nI1\ns(S'b'\nI2\nu."))).toBe("shop.Map({'a': 1, 'b': 2})");
	});

	it('follows objects and containers that contain themselves, once', () => {
		expect(shown(latin1("(dp0\nS'me'\ng0\ns."))).toBe("{'me': ...}");
		expect(shown(latin1("cshop\nNode\n)\x81p0\n}S'next'\ng0\nsb."))).toBe('shop.Node(next=...)');
	});

	it('refuses a small pickle that grows when its references are followed', () => {
		const doubling = `(lp0\n${Array.from({ length: 40 }, (_, n) => `(lp${n + 1}\ng${n}\nag${n}\na`).join('')}.`;
		expect(readPickleNodes(latin1(doubling)).ok).toBe(true);
		expect(shown(latin1(doubling))).toMatch(/^too-large: The pickle shows as more than 2000000 values/);
		const text = `X${String.fromCharCode(0, 0, 4, 0)}${'x'.repeat(0x40000)}q\0`;
		expect(shown(latin1(`(${text}${'h\0'.repeat(100_000)}l.`))).toMatch(/^too-large/);
	});

	it('refuses depth and sheer count, and says at which byte a stream is wrong', () => {
		expect(shown(latin1(`${'('.repeat(5_000)}N${'l'.repeat(5_000)}.`))).toMatch(/^too-large: The pickle nests more/);
		expect(readPickle(latin1(`(${'N'.repeat(200)}l.`), { values: 100 })).toMatchObject({
			error: { code: 'too-large' },
		});
		const wrong: readonly (readonly [string, RegExp])[] = [
			['', /ends in the middle/],
			['\x80\x06N.', /protocol 6/],
			['N', /ends in the middle.*Byte 1/],
			['.', /nothing is there/],
			['t.', /mark that it never made/],
			['(N0.', /nothing is there/],
			['h\x05.', /number 5/],
			['X\xff\xff\xff\xff', /4294967295 bytes follow, and only 0/],
			['\x8d\xff\xff\xff\xff\xff\xff\xff\xff', /bytes follow/],
			['\x8c\x01\xff.', /not UTF-8/],
			['(Nd.', /has no value/],
			['NNa.', /holds none/],
			['NNNs.', /has none/],
			['!.', /no instruction "!"/],
			['\xff.', /no instruction 0xff/],
			['I1x\n.', /no whole number/],
			['Fx\n.', /no number/],
			["S'x\n.", /not quoted/],
			['NN\x93.', /no text/],
		];
		for (const [bytes, reason] of wrong) expect(shown(latin1(bytes))).toMatch(reason);
	});

	it('shows what a pickle keeps outside of itself', () => {
		expect(shown(latin1('Pkey-1\n.'))).toBe('<object key-1 kept outside of the pickle>');
		expect(shown(latin1('NQ.'))).toBe('<object kept outside of the pickle>');
		expect(shown(latin1('\x82\x07.'))).toBe('<extension 7>');
		expect(shown(latin1('\x97\x98.'))).toBe('<buffer sent beside the pickle>');
	});

	it('shows integers beyond what Python prints by their size', () => {
		const length = 4_000;
		const head = String.fromCharCode(0x8b, length & 0xff, length >> 8, 0, 0);
		expect(shown(latin1(`${head}${'\x01'.repeat(length)}.`))).toBe('<integer of 4000 bytes>');
	});

	it('never throws for a stream that was changed anywhere', () => {
		const streams = samples.flatMap((sample) => sample.pickles).map(bytesOf);
		fc.assert(
			fc.property(
				fc.nat(streams.length - 1),
				fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert', 'repeat')), {
					minLength: 1,
					maxLength: 6,
				}),
				(which, changes) => {
					let bytes = [...(streams[which] as Uint8Array)].slice(0, 3_000);
					for (const [place, byte, how] of changes) {
						const at = place % (bytes.length + 1);
						if (how === 'set') bytes[at] = byte;
						else if (how === 'cut') bytes.splice(at, 1 + (byte % 8));
						else if (how === 'insert') bytes.splice(at, 0, byte);
						else bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - 20), at), ...bytes.slice(at)];
					}
					const read = readPickle(new Uint8Array(bytes), { values: 20_000 });
					if (read.ok) JSON.stringify(read.value);
					else expect(read.error.message).not.toBe('');
				},
			),
			{ numRuns: 1_500 },
		);
	});
});
