/** The few classes whose pickles are shown as what they are, and how all others are shown. A closed list: nothing is looked up. */
import type { Value } from '#main/domain/value.ts';
import { packedDate, packedDatetime, packedTime, timedeltaText, UTC_TEXT } from './repr-times.ts';
import { previewCall, writeLiteral } from './write.ts';

/** An object of a pickle with all that belongs to it already shown. */
export interface SeenObject {
	/** Dotted name of what would be called. */
	readonly target: string;
	readonly how: 'call' | 'new' | 'state';
	readonly args: readonly Value[];
	readonly kwargs: Value | null;
	readonly state: Value | null;
	readonly items: readonly Value[];
	readonly entries: readonly (readonly [Value, Value])[];
}

/** Longest text that stands for an object. */
const SHOWN = 2_000;

type Show = (seen: SeenObject) => Value | null;

/** A value for what is known; null for everything else, and for what is not as it should be. */
export function knownObject(seen: SeenObject): Value | null {
	return Object.hasOwn(KNOWN, seen.target) ? (KNOWN[seen.target] as Show)(seen) : null;
}

/** An object as its class and arguments: `shop.Order(1, total=2)`. Its attributes stand where keyword arguments would. */
export function shownObject(seen: SeenObject): Value {
	const kwargs: [string, Value][] = [...attributesOf(seen.kwargs), ...attributesOf(seen.state)];
	const args = [...seen.args];
	if (seen.items.length > 0) args.push({ kind: 'list', items: seen.items });
	if (seen.entries.length > 0) args.push({ kind: 'dict', entries: seen.entries });
	const name = seen.target.length > 300 ? `${seen.target.slice(0, 300)}…` : seen.target;
	return opaque(name, `${name}(${previewCall(args, kwargs, SHOWN)})`);
}

function opaque(type: string, text: string): Value {
	return { kind: 'opaque', type, text };
}

/** The attributes of a state: a dict, or Python's pair of a dict and one of slots. */
function attributesOf(state: Value | null): [string, Value][] {
	if (state === null || state.kind === 'none') return [];
	if (state.kind === 'dict') {
		return state.entries.map(([key, value]) => [key.kind === 'str' ? key.value : writeLiteral(key), value]);
	}
	if (state.kind === 'tuple' && state.items.length === 2 && state.items.every((one) => /none|dict/.test(one.kind))) {
		return state.items.flatMap((one) => attributesOf(one));
	}
	return [['state', state]];
}

/** Python 2 and protocols below 3 carry bytes as text of the same codes. */
function bytesOf(value: Value | undefined): Uint8Array | null {
	if (value?.kind === 'bytes') return Buffer.from(value.base64, 'base64');
	return value?.kind === 'str' ? Buffer.from(value.value, 'utf8') : null;
}

function packed(type: string, show: (bytes: Uint8Array, zone: string | null) => string | null): Show {
	return ({ args }) => {
		const bytes = bytesOf(args[0]);
		const zone = args[1] === undefined || args[1].kind === 'none' ? null : writeLiteral(args[1]).slice(0, 200);
		const text = bytes === null ? null : show(bytes, zone);
		return text === null ? null : opaque(type, text);
	};
}

function intsOf(args: readonly Value[], count: number): readonly bigint[] | null {
	const ints = args
		.slice(0, count)
		.map((arg) => (arg.kind === 'int' && arg.text.length < 30 ? BigInt(arg.text) : null));
	return ints.length === count && ints.every((one) => one !== null) ? ints : null;
}

function itemsOf(value: Value | undefined): readonly Value[] | null {
	if (value === undefined) return [];
	return value.kind === 'list' || value.kind === 'tuple' || value.kind === 'set' || value.kind === 'frozenset'
		? value.items
		: null;
}

function collection(kind: 'list' | 'tuple' | 'set' | 'frozenset'): Show {
	return ({ args, items }) => {
		const given = itemsOf(args[0]);
		return given === null ? null : { kind, items: [...given, ...items] };
	};
}

/** A dict with manners of its own, as the dict that it is. */
function mapping(first: (args: readonly Value[]) => Value | undefined): Show {
	return ({ args, entries }) => {
		const given = first(args);
		if (given === undefined || given.kind === 'none') return { kind: 'dict', entries };
		if (given.kind === 'dict') return { kind: 'dict', entries: [...given.entries, ...entries] };
		const pairs = itemsOf(given)?.map((pair) => itemsOf(pair) ?? []) ?? null;
		if (pairs === null || pairs.some((pair) => pair.length !== 2)) return null;
		return {
			kind: 'dict',
			entries: [...pairs.map(([key, value]) => [key as Value, value as Value] as const), ...entries],
		};
	};
}

/** A class called with one thing of its own kind is that thing. */
function itself(kind: Value['kind'], empty: Value): Show {
	return ({ args }) => (args.length === 0 ? empty : args.length === 1 && args[0]?.kind === kind ? args[0] : null);
}

const encoded: Show = ({ args: [text, charset] }) => {
	if (text?.kind !== 'str' || charset?.kind !== 'str' || !/^latin-?_?1$/i.test(charset.value)) return null;
	return { kind: 'bytes', base64: Buffer.from(text.value, 'latin1').toString('base64') };
};

const bytearray: Show = (seen) => {
	const [first, second] = seen.args;
	if (first === undefined) return { kind: 'bytes', base64: '' };
	return first.kind === 'bytes' ? first : second === undefined ? null : encoded(seen);
};

const complex: Show = ({ args: [real, imaginary] }) => {
	if (real?.kind !== 'float' || imaginary?.kind !== 'float') return null;
	const part = (text: string) => (text.endsWith('.0') ? text.slice(0, -2) : text);
	const sign = imaginary.text.startsWith('-') ? '' : '+';
	return opaque('complex', `(${part(real.text)}${sign}${part(imaginary.text)}j)`);
};

const timedelta: Show = ({ args }) => {
	const ints = intsOf(args, 3);
	return ints === null
		? null
		: opaque('datetime.timedelta', timedeltaText(ints[0] as bigint, ints[1] as bigint, ints[2] as bigint));
};

const timezone: Show = ({ args: [offset, name] }) => {
	if (offset?.kind !== 'opaque' || offset.type !== 'datetime.timedelta') return null;
	if (name === undefined && offset.text === 'datetime.timedelta(0)') return opaque('datetime.timezone', UTC_TEXT);
	const rest = name === undefined ? '' : `, ${writeLiteral(name).slice(0, 100)}`;
	return opaque('datetime.timezone', `datetime.timezone(${offset.text}${rest})`);
};

const uuid: Show = ({ state }) => {
	const entry =
		state?.kind === 'dict' ? state.entries.find(([key]) => key.kind === 'str' && key.value === 'int') : null;
	const number = entry?.[1];
	if (number?.kind !== 'int' || number.text.length > 39 || number.text.startsWith('-')) return null;
	const hex = BigInt(number.text).toString(16).padStart(32, '0');
	return hex.length > 32
		? null
		: opaque('uuid.UUID', `UUID('${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}')`);
};

/** `getattr(Class, 'NAME')`, as enums and bound methods are pickled. */
const attribute: Show = ({ args: [of, name] }) =>
	of?.kind === 'opaque' && of.type === 'name' && name?.kind === 'str'
		? opaque('name', `${of.text}.${name.value.slice(0, 200)}`)
		: null;

/** Objects of protocols 0 and 1: their class is the first argument, what they are based on the others. */
const reconstructed: Show = ({ args: [cls, base, value], state, items, entries }) => {
	if (cls?.kind !== 'opaque' || base === undefined || value === undefined) return null;
	const args = value.kind === 'none' ? [] : [value];
	const seen: SeenObject = { target: cls.text, how: 'new', args, kwargs: null, state, items, entries };
	return knownObject(seen) ?? shownObject(seen);
};

const made: Show = ({ args: [cls, ...args], state, items, entries }) => {
	if (cls?.kind !== 'opaque' || cls.type !== 'name') return null;
	const seen: SeenObject = { target: cls.text, how: 'new', args, kwargs: null, state, items, entries };
	return knownObject(seen) ?? shownObject(seen);
};

/** A Django model instance: its model is named by a pair or by its class, and its state is the row. */
const model: Show = ({ args: [which, ...rest], state }) => {
	const names = which?.kind === 'tuple' || which?.kind === 'list' ? which.items : [];
	const texts = names.flatMap((one) => (one.kind === 'str' ? [one.value] : []));
	const target = which?.kind === 'opaque' ? which.text : texts.length > 0 ? texts.join('.') : null;
	if (target === null) return null;
	const row = attributesOf(state).filter(([name]) => name !== '_state' && name !== '_django_version');
	return opaque(target, `${target}(${previewCall(rest, row, SHOWN)})`);
};

const lazyText: Show = ({ args: [, args] }) => itemsOf(args)?.find((one) => one.kind === 'str') ?? null;

const zoneNamed: Show = ({ args: [key] }) =>
	key?.kind === 'str' ? opaque('zoneinfo.ZoneInfo', `zoneinfo.ZoneInfo(key=${writeLiteral(key).slice(0, 100)})`) : null;

const pytzZone: Show = ({ args: [key] }) =>
	key?.kind === 'str'
		? opaque('pytz', `pytz.timezone(${writeLiteral(key).slice(0, 100)})`)
		: opaque('pytz', 'pytz.utc');

const decimal: Show = ({ args: [text] }) =>
	text?.kind === 'str' ? opaque('decimal.Decimal', `Decimal(${writeLiteral(text).slice(0, 5_000)})`) : null;

const range: Show = ({ args }) => {
	const ints = intsOf(args, 3);
	if (ints === null) return null;
	return opaque('range', ints[2] === 1n ? `range(${ints[0]}, ${ints[1]})` : `range(${ints.join(', ')})`);
};

const KNOWN: Readonly<Record<string, Show>> = {
	'_codecs.encode': encoded,
	'builtins.bytes': (seen) =>
		seen.args.length === 0
			? { kind: 'bytes', base64: '' }
			: seen.args[0]?.kind === 'bytes'
				? seen.args[0]
				: encoded(seen),
	'builtins.bytearray': bytearray,
	'builtins.complex': complex,
	'builtins.range': range,
	'builtins.getattr': attribute,
	'builtins.set': collection('set'),
	'builtins.frozenset': collection('frozenset'),
	'builtins.list': collection('list'),
	'builtins.tuple': collection('tuple'),
	'builtins.dict': mapping((args) => args[0]),
	'builtins.str': itself('str', { kind: 'str', value: '' }),
	'builtins.int': itself('int', { kind: 'int', text: '0' }),
	'builtins.float': itself('float', { kind: 'float', text: '0.0' }),
	'builtins.bool': itself('bool', { kind: 'bool', value: false }),
	'collections.OrderedDict': mapping((args) => args[0]),
	'collections.Counter': mapping((args) => args[0]),
	'collections.defaultdict': mapping((args) => args[1]),
	'collections.deque': collection('list'),
	'datetime.datetime': packed('datetime.datetime', packedDatetime),
	'datetime.date': packed('datetime.date', packedDate),
	'datetime.time': packed('datetime.time', packedTime),
	'datetime.timedelta': timedelta,
	'datetime.timezone': timezone,
	'decimal.Decimal': decimal,
	'cdecimal.Decimal': decimal,
	'uuid.UUID': uuid,
	'zoneinfo.ZoneInfo._unpickle': zoneNamed,
	'backports.zoneinfo.ZoneInfo._unpickle': zoneNamed,
	'pytz._UTC': pytzZone,
	'pytz._p': pytzZone,
	// A signature is a dict with manners, pickled as the call that makes one of a dict.
	'celery.canvas.signature': ({ args: [given] }) => (given?.kind === 'dict' ? given : null),
	'copyreg._reconstructor': reconstructed,
	'copyreg.__newobj__': made,
	'django.db.models.base.model_unpickle': model,
	'django.utils.functional._lazy_proxy_unpickle': lazyText,
	'django.utils.safestring.SafeString': itself('str', { kind: 'str', value: '' }),
	'django.utils.safestring.SafeText': itself('str', { kind: 'str', value: '' }),
};
