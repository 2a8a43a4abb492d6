/** A pickle's graph as values: what is known is shown as what it is, everything else as its class and arguments. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { hashKey } from './hash.ts';
import { PICKLE_VALUES, type PickleLimits, readPickleNodes } from './pickle.ts';
import { knownObject, shownObject } from './pickle-names.ts';
import { nameOf, type PickleNode, type PickleObject } from './pickle-nodes.ts';

const DEPTH = 1_000;

/**
 * Reads a pickle as a value. Nothing is executed, see `readPickleNodes`. What contains itself is shown once, and `...` where it
 * comes again. Fails as the reader does, and (`too-large`) for what is small in bytes but not when its references are followed.
 */
export function readPickle(bytes: Uint8Array, limits: PickleLimits = {}): Result<Value> {
	const root = readPickleNodes(bytes, limits);
	return root.ok ? pickleValue(root.value, limits) : root;
}

/** A node and what it refers to as a value. */
export function pickleValue(node: PickleNode, limits: PickleLimits = {}): Result<Value> {
	// A single thing, which the reader has let pass, is below every limit.
	if (node.kind === 'scalar') return ok(node.value);
	try {
		return ok(new Converter(limits).value(node, 0));
	} catch (error) {
		if (error instanceof Stop) return fail('too-large', error.message);
		throw error;
	}
}

/** Unwinds to `pickleValue`; never leaves this file. */
class Stop extends Error {}

/** So many characters, as a power of two, count as much as one value. */
const TEXT_SHIFT = 6;

const AGAIN: Value = { kind: 'opaque', type: 'reference', text: '...' };

class Converter {
	readonly #most: number;
	readonly #depth: number;
	/** What is being shown just now; met again, it contains itself. */
	readonly #open = new Set<PickleNode>();
	#count = 0;

	constructor(limits: PickleLimits) {
		this.#most = limits.values ?? PICKLE_VALUES;
		this.#depth = limits.depth ?? DEPTH;
	}

	value(node: PickleNode, depth: number): Value {
		this.#charge(1);
		if (depth > this.#depth) throw new Stop(`The pickle nests more than ${this.#depth} levels deep.`);
		if (node.kind === 'scalar') {
			this.#charge(textLength(node.value) >> TEXT_SHIFT);
			return node.value;
		}
		if (node.kind === 'name') return { kind: 'opaque', type: 'name', text: nameOf(node) ?? '' };
		if (this.#open.has(node)) return AGAIN;
		this.#open.add(node);
		const value = this.#holder(node, depth + 1);
		this.#open.delete(node);
		return value;
	}

	#charge(cost: number): void {
		this.#count += cost;
		if (this.#count > this.#most) {
			throw new Stop(`The pickle shows as more than ${this.#most} values when its references are followed.`);
		}
	}

	#holder(node: Exclude<PickleNode, { readonly kind: 'scalar' | 'name' }>, depth: number): Value {
		switch (node.kind) {
			case 'object':
				return this.#object(node, depth);
			case 'dict':
				return { kind: 'dict', entries: this.#entries(node.entries, depth) };
			case 'set':
			case 'frozenset':
				return { kind: node.kind, items: distinct(this.#items(node.items, depth)) };
			default:
				return { kind: node.kind, items: this.#items(node.items, depth) };
		}
	}

	#items(items: readonly PickleNode[], depth: number): Value[] {
		return items.map((item) => this.value(item, depth));
	}

	/** As in Python, the last value of a key wins, in the place of the first. */
	#entries(entries: readonly (readonly [PickleNode, PickleNode])[], depth: number): [Value, Value][] {
		if (entries.length === 0) return [];
		const places = new Map<string, [Value, Value]>();
		const out: [Value, Value][] = [];
		for (const [key, item] of entries) {
			const entry: [Value, Value] = [this.value(key, depth), this.value(item, depth)];
			const hash = hashKey(entry[0]);
			const known = hash === null || hash === '' ? undefined : places.get(hash);
			if (known !== undefined) {
				known[1] = entry[1];
				continue;
			}
			out.push(entry);
			if (hash !== null && hash !== '') places.set(hash, entry);
		}
		return out;
	}

	#object(node: PickleObject, depth: number): Value {
		const args = this.value(node.args, depth);
		const seen = {
			target: this.#target(node.target, depth),
			how: node.how,
			args: args.kind === 'tuple' || args.kind === 'list' ? args.items : [args],
			kwargs: node.kwargs === null ? null : this.value(node.kwargs, depth),
			state: node.state === null ? null : this.value(node.state, depth),
			items: this.#items(node.items, depth),
			entries: this.#entries(node.entries, depth),
		};
		const shown = knownObject(seen) ?? shownObject(seen);
		this.#charge(textLength(shown) >> TEXT_SHIFT);
		return shown;
	}

	/** What would be called, by its dotted name; an attribute of something is one too. */
	#target(node: PickleNode, depth: number): string {
		const plain = nameOf(node);
		if (plain !== null) return plain;
		const value = this.value(node, depth);
		return value.kind === 'opaque' ? value.text : `(${value.kind})`;
	}
}

/** A text that is referred to a million times is a million texts where it is shown, so each counts by its length. */
function textLength(value: Value): number {
	if (value.kind === 'str') return value.value.length;
	if (value.kind === 'bytes') return value.base64.length;
	return value.kind === 'opaque' || value.kind === 'int' ? value.text.length : 0;
}

function distinct(items: readonly Value[]): Value[] {
	const seen = new Set<string>();
	return items.filter((item) => {
		const hash = hashKey(item);
		if (hash === null || hash === '') return true;
		if (seen.has(hash)) return false;
		seen.add(hash);
		return true;
	});
}
