/** What a packet's signature is worth under the key and the names that a profile knows. The list that it lies in does not say its name. */
import type { PacketSignature } from '#main/domain/packet.ts';
import { checkSignature, type Digest, type Packet, type Verdict } from './packet.ts';

/** What is known of a site when its packets are checked. */
export interface PacketCheck {
	/** Null: nothing is checked. */
	readonly secretKey: string | null;
	/** Names that may have signed, the likeliest first. */
	readonly prefixes: readonly string[];
	/** What the site's live clusters sign with; null: not known. */
	readonly expected: Digest | null;
	/** Whether the key has verified anything of this site. */
	readonly keyProven: boolean;
}

/** Checks a packet, and says what is likely wrong where it does not verify. */
export function signatureOf(packet: Packet, check: PacketCheck): PacketSignature {
	const { digest } = packet;
	const { secretKey, prefixes, expected, keyProven } = check;
	const [first = '', ...others] = prefixes;
	if (secretKey === null) return { verified: null, digest, prefix: null, doubt: null };
	const verdict = checkSignature(packet, { prefix: first, secretKey }, { others, expected: null, keyProven });
	const prefix = verdict.kind === 'valid' ? first : verdict.kind === 'other-prefix' ? verdict.prefix : null;
	if (prefix === null) return { verified: false, digest, prefix, doubt: verdictWords(verdict, first) };
	// A cluster takes what is signed under its own name by what its Django signs with, and loses everything else.
	const other: Verdict | null =
		digest !== null && expected !== null && expected !== digest ? { kind: 'other-digest', is: digest, expected } : null;
	return other === null
		? { verified: true, digest, prefix, doubt: null }
		: { verified: false, digest, prefix, doubt: verdictWords(other, prefix) };
}

/** What a verdict means, and what to do. */
export function verdictWords(verdict: Verdict, prefix: string): string {
	switch (verdict.kind) {
		case 'valid':
			return 'The signature is right.';
		case 'wrong-key':
			return `The signature does not fit the SECRET_KEY that Warren was given for "${prefix}". Most likely the key is another one: copy it from the settings of the site that runs this cluster. Or the site's Q_CLUSTER has another name: give it with --prefix.`;
		case 'other-prefix':
			return `It is signed under the name "${verdict.prefix}", not "${prefix}": two sites with the same key write to these keys, or the cluster's name was changed.`;
		case 'other-digest':
			return `It is signed with ${verdict.is}, while this site's clusters sign with ${verdict.expected} and refuse it: it comes from another version of Django.`;
		case 'not-ours':
			return 'Others verify with the same key, this one does not: it was changed, or comes from another site.';
		case 'no-signature':
			return 'What stands where the signature should be is none of Django.';
	}
}
