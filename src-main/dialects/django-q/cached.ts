/**
 * Values of Django's cache as its backends for Redis lay them down: a pickle (Django's own, and django-redis), or JSON or zlib around either,
 * which django-redis can be told to use. Read as data; nothing of a pickle is run.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { inflate } from '../inflate.ts';
import { readJson } from '../json/read.ts';
import { readPickleNodes } from '../python/pickle.ts';
import type { PickleNode } from '../python/pickle-nodes.ts';

/** Bytes of a value: a heartbeat has about 600, and the list of 10,000 clusters half a million. */
const LARGEST = 4 * 1024 * 1024;
const LIMITS = { values: 100_000, depth: 20 };
/** Both begin with it: zlib at any of its levels. */
const ZLIB = 0x78;
/** PROTO, which begins pickles from protocol 2 on. */
const PICKLE = 0x80;

/** A text of the cache. */
export function readCachedText(bytes: Uint8Array): Result<string> {
	const value = read(bytes);
	if (!value.ok) return value;
	return typeof value.value === 'string' ? ok(value.value) : fail('undecodable', 'It holds no text.');
}

/** A list of texts of the cache; what is no text in it is left out. */
export function readCachedTexts(bytes: Uint8Array): Result<readonly string[]> {
	const value = read(bytes);
	if (!value.ok) return value;
	if (typeof value.value === 'string') return fail('undecodable', 'It holds no list.');
	return ok(value.value);
}

function read(bytes: Uint8Array): Result<string | readonly string[]> {
	if (bytes.byteLength > LARGEST) {
		return fail('too-large', `It has ${bytes.byteLength} bytes; at most ${LARGEST} are read.`);
	}
	if (bytes[0] === ZLIB) {
		const unpacked = inflate(bytes, 'zlib', LARGEST);
		return unpacked.ok ? plain(unpacked.value) : unpacked;
	}
	return plain(bytes);
}

function plain(bytes: Uint8Array): Result<string | readonly string[]> {
	if (bytes[0] === PICKLE) {
		const root = readPickleNodes(bytes, LIMITS);
		if (!root.ok) return root;
		const text = textOf(root.value);
		if (text !== null) return ok(text);
		if (root.value.kind === 'list') return ok(root.value.items.flatMap((item) => textOf(item) ?? []));
		return fail('undecodable', 'It holds neither a text nor a list.');
	}
	const json = readJson(Buffer.from(bytes).toString('utf8'));
	if (json.ok && json.value.kind === 'str') return ok(json.value.value);
	if (json.ok && json.value.kind === 'list') {
		return ok(json.value.items.flatMap((item) => (item.kind === 'str' ? item.value : [])));
	}
	return fail(
		'undecodable',
		'It is neither a pickle nor JSON: this cache has a serializer or a compressor that Warren does not read (it reads pickle, JSON and zlib).',
	);
}

function textOf(node: PickleNode): string | null {
	return node.kind === 'scalar' && node.value.kind === 'str' ? node.value.value : null;
}
