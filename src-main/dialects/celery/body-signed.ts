/** Bodies signed by Celery's `auth` serializer: what is inside, and that nobody checked the signature. */
import { fail, ok, type Result } from '#main/domain/result.ts';

/** The signed body as its sender packed it. */
export interface SignedBody {
	readonly contentType: string;
	readonly contentEncoding: string;
	readonly bytes: Uint8Array;
}

const SEPARATOR = Buffer.from([0, 1]);
/** What a body can be of, which is how the end of a signature is found without knowing the key's size. */
const TYPE = /^(application\/(?:json|x-python-serialize|x-yaml|x-msgpack))$/;

/**
 * Takes a signed body apart: base64 of signer, signature, content type, encoding and body with 00 01 between. The signature itself may
 * hold those two bytes, so the parts are found by the content type.
 */
export function unpackSigned(bytes: Uint8Array): Result<SignedBody> {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
	if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) return fail('undecodable', 'The signed body is not base64.');
	const whole = Buffer.from(text, 'base64');
	let from = whole.indexOf(SEPARATOR);
	while (from >= 0) {
		const start = from + SEPARATOR.length;
		const end = whole.indexOf(SEPARATOR, start);
		if (end < 0) break;
		const type = end - start > 60 ? '' : whole.subarray(start, end).toString('latin1');
		if (TYPE.test(type)) {
			const second = whole.indexOf(SEPARATOR, end + SEPARATOR.length);
			if (second < 0) break;
			const contentEncoding = whole.subarray(end + SEPARATOR.length, second).toString('latin1');
			return ok({
				contentType: type,
				contentEncoding,
				bytes: new Uint8Array(whole.subarray(second + SEPARATOR.length)),
			});
		}
		from = end;
	}
	return fail(
		'undecodable',
		'The signed body does not hold what Celery packs: signer, signature, content type, encoding and body.',
	);
}
