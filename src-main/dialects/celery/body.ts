/** A message's body by its content type, encoding and compression: bytes to one value. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { type Compression, inflate } from '../inflate.ts';
import { readJson } from '../json/read.ts';
import { readMsgpack } from '../msgpack/read.ts';
import { readPickle } from '../python/pickle-values.ts';
import { readYaml } from '../yaml/read.ts';
import { unpackSigned } from './body-signed.ts';
import { typedValues } from './body-typed.ts';

/** What protects the reader from a body. */
export interface BodyLimits {
	/** Bytes as they came; default 64 MiB. */
	readonly bytes?: number;
	/** Bytes after unpacking; default 32 MiB. */
	readonly inflated?: number;
	readonly values?: number;
	readonly depth?: number;
}

/** A body and how it is packed, as properties and headers say. */
export interface PackedBody {
	readonly contentType: string;
	readonly contentEncoding: string | null;
	readonly compression: string | null;
	readonly bytes: Uint8Array;
}

export interface ReadBody {
	readonly value: Value;
	readonly signed: 'not-checked' | null;
}

const BODY_LIMIT = 64 * 1024 * 1024;

/** kombu's names of compressions. What it calls gzip is zlib. */
const COMPRESSIONS: Readonly<Record<string, Compression | null>> = {
	'application/x-gzip': 'zlib',
	gzip: 'zlib',
	zlib: 'zlib',
	'application/x-brotli': 'brotli',
	brotli: 'brotli',
	'application/zstd': 'zstd',
	zstd: 'zstd',
	'application/x-bz2': null,
	bzip2: null,
	bzip: null,
	'application/x-lzma': null,
	lzma: null,
};

/** Reads a body. Fails (`undecodable`, `unsupported`, or `too-large` for a limit) saying what is wrong and where. */
export function readBody(packed: PackedBody, limits: BodyLimits = {}): Result<ReadBody> {
	const most = limits.bytes ?? BODY_LIMIT;
	if (packed.bytes.byteLength > most) {
		return fail('too-large', `The body has ${packed.bytes.byteLength} bytes; ${most} are read at most.`);
	}
	const plain = unpack(packed, limits);
	if (!plain.ok) return plain;
	if (packed.contentType !== 'application/data') {
		const value = readAs(packed.contentType, packed.contentEncoding, plain.value, limits);
		return value.ok ? ok({ value: value.value, signed: null }) : value;
	}
	const inner = unpackSigned(plain.value);
	if (!inner.ok) return inner;
	const value = readAs(inner.value.contentType, inner.value.contentEncoding, inner.value.bytes, limits);
	if (!value.ok) return fail(value.error.code, `Signed, and inside: ${value.error.message}`);
	return ok({ value: value.value, signed: 'not-checked' });
}

function unpack(packed: PackedBody, limits: BodyLimits): Result<Uint8Array> {
	const name = packed.compression;
	if (name === null || name === '') return ok(packed.bytes);
	const how = Object.hasOwn(COMPRESSIONS, name.toLowerCase()) ? COMPRESSIONS[name.toLowerCase()] : undefined;
	if (how === undefined || how === null) {
		const known = how === null ? 'which Warren cannot unpack' : 'which Warren does not know';
		return fail('unsupported', `The body is compressed as ${clip(name)}, ${known} (it unpacks zlib, brotli and zstd).`);
	}
	return inflate(packed.bytes, how, limits.inflated);
}

function readAs(type: string, encoding: string | null, bytes: Uint8Array, limits: BodyLimits): Result<Value> {
	const { values, depth } = limits;
	const capped = { ...(values === undefined ? {} : { values }), ...(depth === undefined ? {} : { depth }) };
	if (bytes.byteLength === 0) return fail('undecodable', 'The body is empty.');
	switch (type) {
		case 'application/json': {
			const text = textOf(bytes, encoding);
			if (!text.ok) return text;
			const read = readJson(text.value, capped);
			return read.ok ? ok(typedValues(read.value)) : because('JSON', read.error);
		}
		case 'application/x-python-serialize': {
			const read = readPickle(bytes, capped);
			return read.ok ? read : because('a pickle', read.error);
		}
		case 'application/x-yaml': {
			const text = textOf(bytes, encoding);
			if (!text.ok) return text;
			const read = readYaml(text.value, values === undefined ? {} : { values });
			return read.ok ? read : because('YAML', read.error);
		}
		case 'application/x-msgpack': {
			const read = readMsgpack(bytes, capped);
			return read.ok ? read : because('MessagePack', read.error);
		}
		default: {
			const known = 'JSON, pickle, YAML, MessagePack and signed bodies are read';
			return fail(
				'unsupported',
				`The body is of type ${clip(type) || '(none)'}, which no Celery serializer of ours reads; ${known}.`,
			);
		}
	}
}

function because(what: string, error: { readonly code: string; readonly message: string }): Result<never> {
	const deep = error.message.startsWith('Nested');
	const code = error.code === 'too-large' && !deep ? 'too-large' : 'undecodable';
	return fail(code, `The body cannot be read as ${what}. ${error.message}`);
}

/** Character sets that kombu may name; the platform decodes many more, but `utf-8` is what is sent. */
function textOf(bytes: Uint8Array, encoding: string | null): Result<string> {
	const label = (encoding ?? 'utf-8').toLowerCase().replaceAll('_', '-');
	if (label === 'latin-1' || label === 'latin1' || label === 'iso-8859-1') {
		return ok(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
	}
	const plain = label === 'binary' || label === 'us-ascii' || label === 'ascii' || label === 'utf8' || label === '';
	const decoder = decoderOf(plain ? 'utf-8' : label);
	if (decoder === null)
		return fail('unsupported', `The body is text in "${clip(label)}", a character set that is not known here.`);
	try {
		return ok(decoder.decode(bytes));
	} catch {
		// The platform's decoder says no by throwing, and no more than that.
		return fail('undecodable', `The body is not text in ${plain ? 'UTF-8' : label}.`);
	}
}

function decoderOf(label: string): { decode(bytes: Uint8Array): string } | null {
	try {
		return new TextDecoder(label, { fatal: true, ignoreBOM: true });
	} catch {
		// An unknown label is thrown for.
		return null;
	}
}

function clip(text: string): string {
	return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
