/** Compressed bodies, unpacked up to a limit. */
import { brotliDecompressSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { fail, ok, type Result } from '#main/domain/result.ts';

/** Bytes that are unpacked at most: a body of a few kilobytes can hold a thousand times as many. */
export const INFLATE_LIMIT = 32 * 1024 * 1024;

/** Bytes unpacked at a time. */
const LEAST_PIECE = 1_024;
const MOST_PIECE = 64 * 1024;

/** zlib: with zlib's own header (what kombu calls gzip). */
export type Compression = 'zlib' | 'brotli' | 'zstd';

/** Unpacks; fails (`too-large` over the limit, else `undecodable`) in words. */
export function inflate(bytes: Uint8Array, how: Compression, limit = INFLATE_LIMIT): Result<Uint8Array> {
	// Most bodies are small: zlib's own first piece, of 16 KiB, costs more to make than they do to unpack.
	const chunkSize = Math.min(MOST_PIECE, Math.max(LEAST_PIECE, bytes.byteLength * 4));
	const options = { maxOutputLength: limit, chunkSize };
	try {
		switch (how) {
			case 'zlib':
				return ok(inflateSync(bytes, options));
			case 'brotli':
				return ok(brotliDecompressSync(bytes, options));
			case 'zstd':
				return ok(zstdDecompressSync(bytes, options));
		}
	} catch (error) {
		// The platform's decompressors say no by throwing; anything they throw is about these bytes.
		const code = error instanceof Error && 'code' in error ? error.code : null;
		if (code === 'ERR_BUFFER_TOO_LARGE') {
			const most = `${Math.round(limit / 1024 / 1024)} MiB`;
			return fail('too-large', `Unpacked, the body has more than the ${most} that are read.`);
		}
		const said = error instanceof Error ? error.message : String(error);
		return fail('undecodable', `The body does not unpack as ${how}: ${said}.`);
	}
}
