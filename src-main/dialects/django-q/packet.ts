/**
 * django-q's signed packets: `body:timestamp:signature`, all ASCII, as Django's `TimestampSigner` makes them with django-q's own salt. Tasks,
 * heartbeats and cached results share the form. Anybody can read one; the site's SECRET_KEY is needed to check and to make them.
 * The body is a pickle, which is never run here: see `python/pickle`.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { inflate } from '../inflate.ts';

/** What signs: sha1 up to Django 3.0 (and where a setting of 3.1 and 3.2 says so), sha256 from Django 3.1 on. */
export type Digest = 'sha1' | 'sha256';

/** A packet taken apart; nothing is checked or unpacked yet. */
export interface Packet {
	/** URL-safe base64 without padding; a leading dot, which is part of what is signed, is in `signed` only. */
	readonly body: string;
	readonly compressed: boolean;
	/** Epoch ms, in whole seconds: when it was signed, which for a task is when it was enqueued. */
	readonly signedAt: number;
	readonly signature: string;
	/** By the signature's length; null: no signer of Django's makes one as long. */
	readonly digest: Digest | null;
	/** The text that the signature is of. */
	readonly signed: string;
}

/** A site's signing: `prefix` is `Q_CLUSTER["name"]`, also where queues have names of their own. */
export interface Signing {
	readonly prefix: string;
	readonly secretKey: string;
	readonly digest: Digest;
}

/** What came of checking a signature. */
export type Verdict =
	| { readonly kind: 'valid' }
	/** Right, but not by what this site's clusters sign with: they refuse it and lose it. */
	| { readonly kind: 'other-digest'; readonly is: Digest; readonly expected: Digest }
	/** Right under the name of another cluster. */
	| { readonly kind: 'other-prefix'; readonly prefix: string }
	/** The key is this site's (other packets say so), the packet is not: it was changed, or comes from another site. */
	| { readonly kind: 'not-ours' }
	/** Nothing verifies with this key: it is most likely not this site's. */
	| { readonly kind: 'wrong-key' }
	/** As long as no signature of Django's. */
	| { readonly kind: 'no-signature' };

/** Characters of a packet; what is longer is not looked at. Redis itself takes 512 MB. */
export const PACKET_LIMIT = 64 * 1024 * 1024;
/** Bytes of a heartbeat's pickle: real ones have about 500. */
export const STAT_LIMIT = 64 * 1024;
/** Bytes of a task's pickle. */
export const TASK_LIMIT = 16 * 1024 * 1024;

const LENGTHS: ReadonlyMap<number, Digest> = new Map([
	[27, 'sha1'],
	[43, 'sha256'],
]);
const BASE64 = /^[A-Za-z0-9_-]*$/;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Base-62 digits of a time; nine reach the year 400,000,000. */
const TIME_DIGITS = 9;

/**
 * Takes a packet apart, from the right, as Django does. `undecodable` says which part is not as it should be, `too-large` that it is
 * over `PACKET_LIMIT`. Never throws.
 */
export function readPacket(text: string): Result<Packet> {
	if (text.length > PACKET_LIMIT) {
		return fail('too-large', `The packet has ${text.length} characters; at most ${PACKET_LIMIT} are read.`);
	}
	const beforeSignature = text.lastIndexOf(':');
	const beforeTime = beforeSignature < 1 ? -1 : text.lastIndexOf(':', beforeSignature - 1);
	if (beforeTime < 0) return undecodable('It has no three parts with colons between them.');
	const written = text.slice(0, beforeTime);
	const compressed = written.startsWith('.');
	const body = compressed ? written.slice(1) : written;
	// One character of base64 left over holds no byte.
	if (!BASE64.test(body) || body.length % 4 === 1) return undecodable('Its first part is not URL-safe base64.');
	const seconds = readBase62(text.slice(beforeTime + 1, beforeSignature));
	if (seconds === null) return undecodable('Its second part is not a time in base 62.');
	const signature = text.slice(beforeSignature + 1);
	const digest = BASE64.test(signature) ? (LENGTHS.get(signature.length) ?? null) : null;
	return ok({
		body,
		compressed,
		signedAt: seconds * 1_000,
		signature,
		digest,
		signed: text.slice(0, beforeSignature),
	});
}

/** Characters at the end of a packet that hold its time and signature. */
export const PACKET_TAIL = 64;

/** When a packet was signed, epoch ms, from its last `PACKET_TAIL` characters; null: it is no packet. */
export function signedAtOf(tail: string): number | null {
	const parts = tail.split(':');
	const seconds = parts.length < 3 ? null : readBase62(parts.at(-2) ?? '');
	return seconds === null ? null : seconds * 1_000;
}

/**
 * The pickle in a packet. `limit`: bytes it may have, compressed or not. `too-large` beyond it, `undecodable` for what is not zlib. Check
 * the signature first: nothing is inflated for a stranger who is not to be trusted with that much work.
 */
export function pickleOf(packet: Packet, limit: number): Result<Uint8Array> {
	const bytes = Buffer.from(packet.body, 'base64url');
	if (!packet.compressed) {
		return bytes.length > limit ? tooLarge(limit) : ok(bytes);
	}
	const inflated = inflate(bytes, 'zlib', limit);
	if (inflated.ok) return inflated;
	return inflated.error.code === 'too-large' ? tooLarge(limit) : undecodable('Its compressed part is not zlib.');
}

/**
 * Checks a packet's signature, and says what is likely wrong when it fails. `others`: prefixes of other clusters that are known.
 * `expected`: what this site's live packets are signed with; null: not known. `keyProven`: whether the key has verified other packets here.
 */
export function checkSignature(
	packet: Packet,
	{ prefix, secretKey }: Pick<Signing, 'prefix' | 'secretKey'>,
	facts: { readonly others: readonly string[]; readonly expected: Digest | null; readonly keyProven: boolean },
): Verdict {
	const { digest } = packet;
	if (digest === null) return { kind: 'no-signature' };
	if (isSignature(packet, { prefix, secretKey, digest })) {
		const { expected } = facts;
		return expected === null || expected === digest
			? { kind: 'valid' }
			: { kind: 'other-digest', is: digest, expected };
	}
	const other = facts.others.find(
		(name) => name !== prefix && isSignature(packet, { prefix: name, secretKey, digest }),
	);
	if (other !== undefined) return { kind: 'other-prefix', prefix: other };
	return { kind: facts.keyProven ? 'not-ours' : 'wrong-key' };
}

/**
 * Signs a pickle as this site's clusters do. `now` is epoch ms, cut to seconds. With `compress`, zlib's form is taken where it is more than
 * one byte shorter, by django-q's rule.
 */
export function writePacket(
	pickle: Uint8Array,
	signing: Signing,
	{ now, compress }: { readonly now: number; readonly compress: boolean },
): string {
	const packed = compress ? deflateSync(pickle) : null;
	const small = packed !== null && packed.length < pickle.length - 1 ? packed : null;
	const body = `${small === null ? '' : '.'}${Buffer.from(small ?? pickle).toString('base64url')}`;
	const signed = `${body}:${writeBase62(Math.floor(now / 1_000))}`;
	return `${signed}:${signatureOf(signed, signing)}`;
}

function isSignature(packet: Packet, signing: Signing): boolean {
	// As text: the last digit has bits to spare, so that several texts stand for the same bytes, and Django takes one of them.
	const right = Buffer.from(signatureOf(packet.signed, signing), 'latin1');
	const given = Buffer.from(packet.signature, 'latin1');
	return right.length === given.length && timingSafeEqual(right, given);
}

function signatureOf(signed: string, { prefix, secretKey, digest }: Signing): string {
	// As text of one character a byte: for a key of bytes Node makes a key object each time, which costs ten times the HMAC itself.
	const key = hash(digest, `${prefix}signer${secretKey}`, 'binary');
	return createHmac(digest, key, { encoding: 'latin1' }).update(signed, 'latin1').digest('base64url');
}

function readBase62(text: string): number | null {
	if (text === '' || text.length > TIME_DIGITS) return null;
	let value = 0;
	for (const digit of text) {
		const at = DIGITS.indexOf(digit);
		if (at < 0) return null;
		value = value * 62 + at;
	}
	// What no date can say.
	return value * 1_000 > 8.64e15 ? null : value;
}

function writeBase62(value: number): string {
	let text = '';
	let left = value;
	do {
		text = `${DIGITS[left % 62]}${text}`;
		left = Math.floor(left / 62);
	} while (left > 0);
	return text;
}

function undecodable(what: string) {
	return fail('undecodable', `This is not a packet of django-q. ${what}`);
}

function tooLarge(limit: number) {
	return fail('too-large', `The packet holds more than the ${limit} bytes that are read.`);
}
