/** YAML as PyYAML's safe dumper writes it, as values. Tags name types at most; nothing is made of them. */
import {
	type Alias,
	type Document,
	isAlias,
	isCollection,
	isMap,
	isPair,
	isScalar,
	isSeq,
	type Node,
	parseDocument,
	type Scalar,
} from 'yaml';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { previewCall } from '../python/write.ts';
import { plainScalar, taggedScalar } from './scalars.ts';

/** What protects the reader. */
export interface YamlLimits {
	/** Characters; beyond, nothing is read, because the parser takes many times as much memory. Default 500,000. */
	readonly characters?: number;
	/** Collections inside each other; default 200. */
	readonly depth?: number;
	/** Aliases; default 1,000. The parser takes longer than linear for many. */
	readonly aliases?: number;
	/** Values in all, each alias counting as all that it stands for; default 200,000. */
	readonly values?: number;
}

/** Reads one YAML document. Fails (`undecodable`, or `too-large` for a limit) in words, with line and column. */
export function readYaml(text: string, limits: YamlLimits = {}): Result<Value> {
	const characters = limits.characters ?? 500_000;
	const depth = limits.depth ?? 200;
	if (text.length > characters) {
		return fail('too-large', `YAML of ${text.length} characters; ${characters} are read at most.`);
	}
	const aliases = text.match(/(?<![^\s,[\]{}:-])\*/g)?.length ?? 0;
	if (aliases > (limits.aliases ?? 1_000)) return fail('too-large', `YAML with ${aliases} aliases.`);
	const deepest = bracketsDeep(text);
	if (deepest > depth) return fail('too-large', `Nested more than ${depth} levels deep.`);
	const parsed = parsedDocument(text);
	if (!parsed.ok) return parsed;
	const [error] = parsed.value.errors;
	if (error !== undefined)
		return fail('undecodable', (error.message.split('\n')[0] ?? '').replace(/:$/, '.').slice(0, 300));
	try {
		return ok(new Walker(depth, limits.values ?? 200_000).value(parsed.value.contents, 0));
	} catch (stop) {
		if (stop instanceof Stop) return fail(stop.code, stop.message);
		throw stop;
	}
}

/** Unwinds to `readYaml`; never leaves this file. */
class Stop extends Error {
	readonly code: 'undecodable' | 'too-large';
	constructor(message: string, code: 'undecodable' | 'too-large' = 'too-large') {
		super(message);
		this.code = code;
	}
}

type Parsed = Document.Parsed;

function parsedDocument(text: string): Result<Parsed> {
	try {
		// Only its syntax is the parser's business; what a scalar is, is decided as PyYAML does.
		return ok(parseDocument(text, { version: '1.1', schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' }));
	} catch (error) {
		// The parser is another's, and goes by recursion: nothing in a message may end the reader.
		const said = error instanceof Error ? error.message : String(error);
		return fail('undecodable', `It cannot be read as YAML: ${said.slice(0, 200)}.`);
	}
}

/** How deep flow collections and indentation may nest, at most; the parser itself goes as deep as the stack. */
function bracketsDeep(text: string): number {
	let open = 0;
	let deepest = 0;
	for (const mark of text) {
		if (mark === '[' || mark === '{') open += 1;
		else if ((mark === ']' || mark === '}') && open > 0) open -= 1;
		deepest = Math.max(deepest, open);
	}
	// `- - - x` nests by one line, without brackets.
	for (const line of text.matchAll(/^[ ]*((?:[-?:] +)*)/gm)) {
		deepest = Math.max(
			deepest,
			(line[1] ?? '').replaceAll(' ', '').length + Math.floor((line[0].length - (line[1] ?? '').length) / 2),
		);
	}
	return deepest;
}

class Walker {
	readonly #depth: number;
	readonly #most: number;
	readonly #open = new Set<Node>();
	/** What each anchor stands for so far, and what each alias stood for when it was met first. The parser's own look-up walks the
	 * whole document for each alias. */
	readonly #anchors = new Map<string, Node>();
	readonly #targets = new Map<Alias, Node>();
	#inAlias = 0;
	#count = 0;

	constructor(depth: number, most: number) {
		this.#depth = depth;
		this.#most = most;
	}

	value(node: unknown, depth: number): Value {
		this.#charge(1);
		if (depth > this.#depth) throw new Stop(`Nested more than ${this.#depth} levels deep.`);
		if (node === null || node === undefined) return { kind: 'none' };
		if (isAlias(node)) return this.#alias(node, depth);
		if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined && this.#inAlias === 0) {
			this.#anchors.set(node.anchor, node);
		}
		if (isScalar(node)) return this.#scalar(node);
		if (!isCollection(node)) return { kind: 'opaque', type: 'yaml', text: String(node).slice(0, 200) };
		if (this.#open.has(node)) return { kind: 'opaque', type: 'reference', text: '...' };
		this.#open.add(node);
		const value = this.#collection(node, depth + 1);
		this.#open.delete(node);
		return foreign(node.tag) ? named(node.tag ?? '', value) : value;
	}

	#charge(cost: number): void {
		this.#count += cost;
		if (this.#count > this.#most) throw new Stop(`More than ${this.#most} values when its aliases are followed.`);
	}

	#alias(node: Alias, depth: number): Value {
		const target = this.#targets.get(node) ?? this.#anchors.get(node.source);
		if (target === undefined)
			throw new Stop(`The alias *${node.source.slice(0, 40)} refers to nothing.`, 'undecodable');
		this.#targets.set(node, target);
		this.#inAlias += 1;
		const value = this.value(target, depth);
		this.#inAlias -= 1;
		return value;
	}

	#collection(node: Node, depth: number): Value {
		const tag = node.tag ?? '';
		if (isSeq(node)) {
			const items = node.items.map((item) =>
				isPair(item) ? this.#pair(item.key, item.value, depth) : this.value(item, depth),
			);
			return { kind: tag.endsWith('python/tuple') ? 'tuple' : 'list', items };
		}
		if (!isMap(node)) return { kind: 'opaque', type: 'yaml', text: tag.slice(0, 200) };
		if (tag === 'tag:yaml.org,2002:set') {
			return { kind: 'set', items: node.items.map((pair) => this.value(pair.key, depth)) };
		}
		const places = new Map<string, [Value, Value]>();
		const entries: [Value, Value][] = [];
		for (const pair of node.items) {
			const entry: [Value, Value] = [this.value(pair.key, depth), this.value(pair.value, depth)];
			const key = entry[0].kind === 'str' ? entry[0].value : null;
			const known = key === null ? undefined : places.get(key);
			if (known !== undefined) known[1] = entry[1];
			else {
				entries.push(entry);
				if (key !== null) places.set(key, entry);
			}
		}
		return { kind: 'dict', entries };
	}

	#pair(key: unknown, value: unknown, depth: number): Value {
		return { kind: 'dict', entries: [[this.value(key, depth), this.value(value, depth)]] };
	}

	#scalar(node: Scalar): Value {
		const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
		this.#charge(text.length >> 6);
		const { tag } = node;
		if (foreign(tag)) return named(tag ?? '', { kind: 'str', value: text });
		const own = tag?.startsWith(YAML) === true ? tag.slice(YAML.length) : null;
		if (own !== null && own !== 'str') {
			const python = own === 'python/int' || own === 'python/bool' ? own.slice('python/'.length) : own;
			const value = taggedScalar(python, text);
			if (value === null) throw new Stop(`"${text.slice(0, 40)}" is no ${own}.`, 'undecodable');
			return value;
		}
		return node.type === 'PLAIN' && own === null ? plainScalar(text) : { kind: 'str', value: text };
	}
}

const YAML = 'tag:yaml.org,2002:';

/** Whether a tag asks for an object of Python's, which a safe reader never makes. */
function foreign(tag: string | undefined): boolean {
	const python = tag?.startsWith(`${YAML}python/`) === true;
	return python && !/\/(?:tuple|str|unicode|int|bool)$/.test(tag);
}

function named(tag: string, value: Value): Value {
	const type = tag.slice(YAML.length).slice(0, 200);
	return { kind: 'opaque', type, text: `!!${type} (${previewCall([value], [], 2_000)})` };
}
