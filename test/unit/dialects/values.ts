/** Random values for property tests, and the same values as Python sees them. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import type { Value } from '#main/domain/value.ts';

/** Runs of a property: short in `npm test`, long on demand. */
export const RUNS = process.env.WARREN_LONG === undefined ? 200 : 10_000;

const INT: fc.Arbitrary<Value> = fc
	.oneof(fc.bigInt(), fc.bigInt({ min: -20n, max: 20n }), fc.bigInt({ min: -(10n ** 300n), max: 10n ** 300n }))
	.map((value) => ({ kind: 'int', text: String(value) }));

/** Floats as Python prints them, so that both sides write the same. */
const FLOAT: fc.Arbitrary<Value> = fc
	.constantFrom(
		'0.0',
		'-0.0',
		'1.5',
		'-2.25',
		'1e+16',
		'1e-05',
		'1.7976931348623157e+308',
		'5e-324',
		'0.1',
		'123456789.125',
	)
	.map((text) => ({ kind: 'float', text }));

const SPECIAL: fc.Arbitrary<Value> = fc
	.constantFrom('NaN', 'Infinity', '-Infinity')
	.map((text) => ({ kind: 'float', text }));

/** Text with everything awkward in it: quotes, escapes, controls, astral characters, lone surrogates. */
export const TEXT: fc.Arbitrary<string> = fc
	.array(
		fc.oneof(
			fc.constantFrom(
				"'",
				'"',
				'\\',
				'\n',
				'\r',
				'\t',
				'\0',
				'\x7f',
				'\x85',
				'\xa0',
				'\xad',
				'é',
				'\u2028',
				'\ufeff',
				'😀',
				' ',
			),
			fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 4 }),
			fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }),
			fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
		),
		{ maxLength: 6 },
	)
	.map((parts) => parts.join(''));

const STR: fc.Arbitrary<Value> = TEXT.map((value) => ({ kind: 'str', value }));
const BYTES: fc.Arbitrary<Value> = fc
	.uint8Array({ maxLength: 12 })
	.map((bytes) => ({ kind: 'bytes', base64: Buffer.from(bytes).toString('base64') }));
const PLAIN: fc.Arbitrary<Value> = fc.oneof(
	fc.constant<Value>({ kind: 'none' }),
	fc.boolean().map((value): Value => ({ kind: 'bool', value })),
	INT,
	FLOAT,
	STR,
);

function dict(keys: fc.Arbitrary<Value>, values: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
	const entry = fc.tuple(keys, values);
	const selector = ([key]: [Value, Value]) => (key.kind === 'str' ? key.value : JSON.stringify(key));
	return fc.uniqueArray(entry, { maxLength: 4, selector }).map((entries): Value => ({ kind: 'dict', entries }));
}

/** Values that JSON can hold and gives back the same. */
export const JSON_VALUE: fc.Arbitrary<Value> = fc.letrec<{ any: Value }>((tie) => ({
	any: fc.oneof(
		{ maxDepth: 5, withCrossShrink: true },
		PLAIN,
		SPECIAL,
		fc.array(tie('any'), { maxLength: 4 }).map((items): Value => ({ kind: 'list', items })),
		dict(STR, tie('any')),
	),
})).any;

/** Values that Python literals can hold. Sets have one member at most, since their order is nobody's promise. */
export const LITERAL_VALUE: fc.Arbitrary<Value> = fc.letrec<{ any: Value; key: Value }>((tie) => ({
	key: fc.oneof(
		{ maxDepth: 3 },
		INT,
		STR,
		BYTES,
		fc.array(STR, { maxLength: 2 }).map((items): Value => ({ kind: 'tuple', items })),
		fc.array(tie('key'), { maxLength: 1 }).map((items): Value => ({ kind: 'frozenset', items })),
	),
	any: fc.oneof(
		{ maxDepth: 5 },
		PLAIN,
		BYTES,
		SPECIAL,
		fc.array(tie('any'), { maxLength: 4 }).map((items): Value => ({ kind: 'list', items })),
		fc.array(tie('any'), { maxLength: 3 }).map((items): Value => ({ kind: 'tuple', items })),
		fc.array(tie('key'), { maxLength: 1 }).map((items): Value => ({ kind: 'set', items })),
		fc.array(tie('key'), { maxLength: 1 }).map((items): Value => ({ kind: 'frozenset', items })),
		dict(tie('key'), tie('any')),
	),
})).any;

/** Floats by amount, sets sorted, foreign things by kind: what two readers must agree on. */
export function comparable(value: Value): unknown {
	switch (value.kind) {
		case 'float':
			return {
				float: value.text === 'NaN' ? 'NaN' : Object.is(Number(value.text), -0) ? '-0' : String(Number(value.text)),
			};
		case 'list':
		case 'tuple':
			return { [value.kind]: value.items.map(comparable) };
		case 'set':
		case 'frozenset':
			return { [value.kind]: value.items.map((item) => JSON.stringify(comparable(item))).sort() };
		case 'dict':
			return { dict: value.entries.map(([key, item]) => [comparable(key), comparable(item)]) };
		case 'opaque':
			return { opaque: value.type };
		default:
			return value;
	}
}

const PYTHON = `
import ast, base64, json, sys, unicodedata, warnings
warnings.simplefilter('ignore')

def show(v):
    if v is None: return {'kind': 'none'}
    if v is ...: return {'kind': 'opaque', 'type': 'ellipsis', 'text': ''}
    t = type(v)
    if t is bool: return {'kind': 'bool', 'value': v}
    if t is int: return {'kind': 'int', 'text': str(v)}
    if t is float: return {'kind': 'float', 'text': {'nan': 'NaN', 'inf': 'Infinity', '-inf': '-Infinity'}.get(repr(v), repr(v))}
    if t is complex: return {'kind': 'opaque', 'type': 'complex', 'text': ''}
    if t is str: return {'kind': 'str', 'value': v}
    if t is bytes: return {'kind': 'bytes', 'base64': base64.b64encode(v).decode()}
    if t is dict: return {'kind': 'dict', 'entries': [[show(k), show(x)] for k, x in v.items()]}
    return {'kind': t.__name__, 'items': [show(x) for x in v]}

def build(d):
    k = d['kind']
    if k == 'none': return None
    if k == 'bool': return d['value']
    if k == 'int': return int(d['text'])
    if k == 'float': return float(d['text'])
    if k == 'str': return d['value']
    if k == 'bytes': return base64.b64decode(d['base64'])
    if k == 'dict': return {build(a): build(b) for a, b in d['entries']}
    return {'list': list, 'tuple': tuple, 'set': set, 'frozenset': frozenset}[k](build(x) for x in d['items'])

def attempt(f, x):
    try: return {'ok': f(x)}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError) as e: return {'error': type(e).__name__ + ': ' + str(e)}

def known(s):
    return all(unicodedata.category(c) != 'Cn' for c in s)

job = json.load(sys.stdin)
json.dump({
    'literals': [attempt(lambda t: show(ast.literal_eval('[' + t + ' ]')), t) for t in job.get('literals', [])],
    'reprs': [attempt(lambda d: repr(build(d)), d) for d in job.get('values', [])],
    'known': [known(json.dumps(d, ensure_ascii=False)) for d in job.get('values', [])],
    'dumps': [attempt(lambda d: json.dumps(build(d)), d) for d in job.get('values', [])],
    'loads': [attempt(lambda t: show(json.loads(t)), t) for t in job.get('documents', [])],
}, sys.stdout)
`;

type Attempt<T> = { readonly ok: T; readonly error?: undefined } | { readonly ok?: undefined; readonly error: string };

/** What Python itself says, asked once for a whole batch. */
export function askPython(job: {
	readonly literals?: readonly string[];
	readonly values?: readonly Value[];
	readonly documents?: readonly string[];
}): {
	readonly literals: readonly Attempt<Value>[];
	readonly reprs: readonly Attempt<string>[];
	/** Whether Python's Unicode tables know all characters of a value; ours may be newer. */
	readonly known: readonly boolean[];
	readonly dumps: readonly Attempt<string>[];
	readonly loads: readonly Attempt<Value>[];
} {
	const run = spawnSync('/usr/bin/python3', ['-c', PYTHON], {
		input: JSON.stringify(job),
		maxBuffer: 1 << 28,
		encoding: 'utf8',
	});
	if (run.status !== 0) throw new Error(`python3: ${run.error?.message ?? run.stderr}`);
	return JSON.parse(run.stdout);
}
