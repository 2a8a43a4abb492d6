/** A packet of django-q's in a list, as it is shown: what it would have a cluster do, and what its signature is worth. */
import type { QueuedCall } from './queued-call.ts';

/** What is known of a packet's signature. */
export interface PacketSignature {
	/** Null: no key was given, so that nobody checked. */
	readonly verified: boolean | null;
	/** What signs it, by its length; null: no signature of Django's is as long. */
	readonly digest: 'sha1' | 'sha256' | null;
	/** The name under which it verifies (`Q_CLUSTER["name"]`); null: under none that is known. */
	readonly prefix: string | null;
	/** What is likely wrong and what to do; null: nothing. */
	readonly doubt: string | null;
}

/** What a packet says beside its task and arguments. JSON-safe. */
export interface PacketFacts extends Omit<QueuedCall, 'func'> {
	readonly signature: PacketSignature;
	/** Characters on the wire. */
	readonly size: number;
	readonly compressed: boolean;
}
