/** A quick look at arguments, which spares most rows from being decoded: JSON as JavaScript reads it, which loses digits but no order. */
import type { PathTest } from '#main/domain/query.ts';

/** Whether the value at a path may satisfy one of the tests. Says no only where it cannot; what is no plain JSON is left to be decoded. */
export function mayHold(json: string | null, path: readonly string[], any: readonly PathTest[]): boolean {
	if (json === null) return false;
	let here: unknown;
	try {
		here = JSON.parse(json);
	} catch {
		// Numbers that JSON has not (NaN, Infinity), or text that is none: the exact reader knows.
		return true;
	}
	for (const part of path) {
		if (typeof here !== 'object' || here === null) return false;
		if (Array.isArray(here) && !/^(?:0|[1-9]\d{0,8})$/.test(part)) return false;
		if (!Object.hasOwn(here, part)) return false;
		here = (here as { readonly [key: string]: unknown })[part];
	}
	return any.some((test) => mayBe(test, here));
}

function mayBe(test: PathTest, value: unknown): boolean {
	switch (test.kind) {
		case 'compare': {
			if (typeof value !== 'number') return false;
			if (test.op === '=') return value === test.value;
			return test.op.startsWith('>') ? value >= test.value : value <= test.value;
		}
		case 'is':
			if (typeof value === 'string') return value === test.text;
			if (test.quoted) return false;
			// Longer whole numbers than a double can tell apart are equal here.
			return typeof value !== 'number' || value === Number(test.text);
		case 'glob':
		case 'regex':
			return typeof value === 'string' || typeof value === 'number';
		case 'exists':
			return true;
	}
}
