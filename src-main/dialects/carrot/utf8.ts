/** Where text stops being UTF-8, which the platform's decoder does not tell. */

/** Offset of the first byte that belongs to no whole UTF-8 sequence; the length when there is none. Linear. */
export function firstInvalidByte(bytes: Uint8Array): number {
	let at = 0;
	while (at < bytes.length) {
		const first = bytes[at] ?? 0;
		const length = sequenceLength(first);
		if (length === 0) return at;
		// The second byte is what rules out overlong forms, surrogates and what lies above U+10FFFF.
		const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
		const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
		for (let step = 1; step < length; step += 1) {
			const next = bytes[at + step] ?? 0;
			if (next < (step === 1 ? low : 0x80) || next > (step === 1 ? high : 0xbf)) return at;
		}
		at += length;
	}
	return at;
}

function sequenceLength(first: number): number {
	if (first < 0x80) return 1;
	if (first >= 0xc2 && first <= 0xdf) return 2;
	if (first >= 0xe0 && first <= 0xef) return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}
