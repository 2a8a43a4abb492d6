/** What a pickle describes, as inert data: a graph whose nodes may be shared and may contain themselves. */
import type { Value } from '#main/domain/value.ts';

/** One thing of a pickle. Nothing of it was ever imported, called or made: classes are names, and calls are what was asked for. */
export type PickleNode = PickleScalar | PickleItems | PickleDict | PickleName | PickleObject;

/** Whatever holds nothing else: numbers, text, bytes, None, and what a pickle refers to outside of itself. */
export interface PickleScalar {
	readonly kind: 'scalar';
	readonly value: Value;
}

export interface PickleItems {
	readonly kind: 'list' | 'tuple' | 'set' | 'frozenset';
	readonly items: PickleNode[];
}

export interface PickleDict {
	readonly kind: 'dict';
	readonly entries: [PickleNode, PickleNode][];
}

/** A class or function by its name. */
export interface PickleName {
	readonly kind: 'name';
	/** As Python 3 has it: `builtins` for Python 2's `__builtin__`. */
	readonly module: string;
	readonly name: string;
}

/** What Python would make by calling something; lists and dicts of a class of their own fill `items` and `entries` afterwards. */
export interface PickleObject {
	readonly kind: 'object';
	/** call: `target(*args)`. new: `target.__new__(target, *args, **kwargs)`. state: `target` with a state put into it. */
	readonly how: 'call' | 'new' | 'state';
	readonly target: PickleNode;
	readonly args: PickleNode;
	readonly kwargs: PickleNode | null;
	/** What BUILD gives it: mostly a dict of its attributes. */
	state: PickleNode | null;
	readonly items: PickleNode[];
	readonly entries: [PickleNode, PickleNode][];
}

/** The dotted name of a class or function; null for anything else. */
export function nameOf(node: PickleNode): string | null {
	return node.kind === 'name' ? `${node.module}.${node.name}` : null;
}
