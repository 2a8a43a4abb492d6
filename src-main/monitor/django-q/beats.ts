/** A heartbeat's text as what it says, with its signature checked where there is a key. */
import { verdictWords } from '#main/dialects/django-q/check.ts';
import { checkSignature, type Digest, readPacket } from '#main/dialects/django-q/packet.ts';
import { readStat } from '#main/dialects/django-q/stat.ts';
import type { ClusterBeat, OddBeat } from '#main/domain/cluster.ts';

/** Where a heartbeat was found. */
interface Place {
	readonly key: string;
	/** The name in its key, by which it ought to be signed. */
	readonly prefix: string;
	/** Other names that are known, to tell a wrong name from a wrong key. */
	readonly others: readonly string[];
}

/** Reads heartbeats of one site. One verified heartbeat proves the key, which makes it plainer what is wrong with others. */
export class BeatReader {
	readonly #secretKey: string | null;
	/** What the site's heartbeats are signed with, once one was verified. */
	#digest: Digest | null = null;

	/** `secretKey` null: nothing is verified. */
	constructor(secretKey: string | null) {
		this.#secretKey = secretKey;
	}

	/** `beat` null: it cannot be read. One that does not verify is a beat and odd. */
	read(
		text: string,
		{ key, prefix, others }: Place,
	): { readonly beat: ClusterBeat | null; readonly odd: readonly OddBeat[] } {
		const packet = readPacket(text);
		if (!packet.ok) return { beat: null, odd: [{ key, reason: packet.error.message }] };
		const odd: OddBeat[] = [];
		let verified: boolean | null = null;
		if (this.#secretKey !== null) {
			const facts = { others, expected: null, keyProven: this.#digest !== null };
			const verdict = checkSignature(packet.value, { prefix, secretKey: this.#secretKey }, facts);
			verified = verdict.kind === 'valid';
			if (verified) this.#digest = packet.value.digest;
			else odd.push({ key, reason: verdictWords(verdict, prefix) });
		}
		const beat = readStat(packet.value, { prefix, verified });
		if (beat.ok) return { beat: beat.value, odd };
		return { beat: null, odd: [...odd, { key, reason: beat.error.message }] };
	}
}
