/**
 * Patterns that take time in proportion to the text, whatever they are: all ways to match are followed at once, so none is ever gone
 * back on. JavaScript's own engine tries one after the other, and for some patterns takes longer than the universe lasts.
 */
import { canonical, isWordUnit, type PatternNode, parsePattern, type UnitSet } from './pattern-parse.ts';

/** Steps that a pattern may come to, counted repeats written out. */
const STEPS = 3_000;
/** Sets of steps kept for reuse; beyond them all are forgotten. */
const SITUATIONS = 400;

/** A compiled pattern. */
export interface Pattern {
	/** Whether it matches anywhere in the text, in any case. */
	test(text: string): boolean;
}

/** One step of the machine. `to` and `or` are numbers of steps. */
type Step =
	| { readonly kind: 'set'; readonly has: UnitSet; readonly to: number }
	| { readonly kind: 'fork'; to: number; or: number }
	| { readonly kind: 'start' | 'end' | 'edge' | 'no-edge'; readonly to: number }
	| { readonly kind: 'found' };

/** Compiles a pattern, or says why it cannot be used. */
export function compilePattern(
	source: string,
): { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly problem: string } {
	const parsed = parsePattern(source);
	if (!parsed.ok) return parsed;
	const steps: Step[] = [{ kind: 'found' }];
	const first = lay(steps, parsed.node, 0);
	if (first === null) return { ok: false, problem: 'This pattern repeats too much too often. Write smaller counts.' };
	const machine = new Machine(steps, first);
	return { ok: true, pattern: { test: (text) => machine.test(text) } };
}

/** Lays the steps of a node that go on to step `to`; the number of its first step, or null when they are too many. */
function lay(steps: Step[], node: PatternNode, to: number): number | null {
	if (steps.length > STEPS) return null;
	switch (node.kind) {
		case 'empty':
			return to;
		case 'set':
			return steps.push({ kind: 'set', has: node.has, to }) - 1;
		case 'all': {
			let next: number | null = to;
			for (const part of node.parts.toReversed()) {
				if (next === null) return null;
				next = lay(steps, part, next);
			}
			return next;
		}
		case 'either': {
			let first: number | null = null;
			for (const part of node.parts) {
				const one = lay(steps, part, to);
				if (one === null) return null;
				first = first === null ? one : steps.push({ kind: 'fork', to: one, or: first }) - 1;
			}
			return first;
		}
		case 'repeat':
			return layRepeat(steps, node, to);
		default:
			return steps.push({ kind: node.kind, to }) - 1;
	}
}

function layRepeat(steps: Step[], node: PatternNode & { kind: 'repeat' }, to: number): number | null {
	let next: number | null = to;
	if (node.most === Number.POSITIVE_INFINITY) {
		const fork = { kind: 'fork' as const, to, or: to };
		next = steps.push(fork) - 1;
		const inner = lay(steps, node.part, next);
		if (inner === null) return null;
		fork.to = inner;
	} else {
		for (let more = node.least; more < node.most; more += 1) {
			const inner: number | null = lay(steps, node.part, next);
			if (inner === null) return null;
			next = steps.push({ kind: 'fork', to: inner, or: to }) - 1;
		}
	}
	for (let must = 0; must < node.least; must += 1) {
		next = lay(steps, node.part, next);
		if (next === null) return null;
	}
	return next;
}

/** What stands on one side of a place in the text. */
const NOTHING = 0;
const WORD = 1;
const OTHER = 2;
type Side = typeof NOTHING | typeof WORD | typeof OTHER;

/** Steps that wait for a unit, before what goes on by itself is followed; and what stood before. */
interface Situation {
	readonly steps: readonly number[];
	readonly before: Side;
	/** Where each canonical unit leads; null: a match. Those of ASCII apart, which are nearly all there is. */
	readonly ascii: (Situation | null | undefined)[];
	readonly next: Map<number, Situation | null>;
	ends: boolean | null;
}

class Machine {
	readonly #steps: readonly Step[];
	readonly #first: number;
	readonly #known = new Map<string, Situation>();
	readonly #start: Situation;

	constructor(steps: readonly Step[], first: number) {
		this.#steps = steps;
		this.#first = first;
		this.#start = this.#situation([first], NOTHING);
	}

	test(text: string): boolean {
		let here = this.#start;
		for (let at = 0; at < text.length; at += 1) {
			const unit = canonical(text.charCodeAt(at));
			let next = unit < 128 ? here.ascii[unit] : here.next.get(unit);
			if (next === undefined) {
				next = this.#onward(here, unit);
				if (unit < 128) here.ascii[unit] = next;
				else here.next.set(unit, next);
			}
			if (next === null) return true;
			here = next;
		}
		here.ends ??= this.#reach(here, NOTHING) === null;
		return here.ends;
	}

	#situation(steps: readonly number[], before: Side): Situation {
		const key = `${before}:${steps.join()}`;
		let known = this.#known.get(key);
		if (known === undefined) {
			if (this.#known.size >= SITUATIONS) {
				for (const one of this.#known.values()) {
					one.ascii.length = 0;
					one.next.clear();
				}
				this.#known.clear();
			}
			known = { steps, before, ascii: [], next: new Map(), ends: null };
			this.#known.set(key, known);
		}
		return known;
	}

	/** Null: a match ends before `unit`. */
	#onward(here: Situation, unit: number): Situation | null {
		const side = isWordUnit(unit) ? WORD : OTHER;
		const waiting = this.#reach(here, side);
		if (waiting === null) return null;
		// A match may begin at every place.
		const next = new Set<number>([this.#first]);
		for (const number of waiting) {
			const step = this.#steps[number];
			if (step?.kind === 'set' && step.has(unit)) next.add(step.to);
		}
		return this.#situation(
			[...next].sort((a, b) => a - b),
			side,
		);
	}

	/** All steps that wait for a unit at this place; null when a match ends here. */
	#reach(here: Situation, after: Side): ReadonlySet<number> | null {
		const seen = new Set<number>(here.steps);
		// A set takes what is added while it is gone through.
		for (const number of seen) {
			const step = this.#steps[number];
			if (step === undefined || step.kind === 'set') continue;
			if (step.kind === 'found') return null;
			if (step.kind === 'fork') seen.add(step.to).add(step.or);
			else if (holds(step.kind, here.before, after)) seen.add(step.to);
		}
		return seen;
	}
}

function holds(kind: 'start' | 'end' | 'edge' | 'no-edge', before: Side, after: Side): boolean {
	if (kind === 'start') return before === NOTHING;
	if (kind === 'end') return after === NOTHING;
	return ((before === WORD) !== (after === WORD)) === (kind === 'edge');
}
