/** Reads answers of Redis that come in more than one piece. */
import type { KeyReply } from '#main/brokers/keyspace.ts';

/** A list; empty for anything else. */
export function listOf(reply: KeyReply | undefined): readonly KeyReply[] {
	return Array.isArray(reply) ? (reply as readonly KeyReply[]) : [];
}

/** A hash, which Redis lists as field, value, field, value. */
export function pairsOf(reply: KeyReply | undefined): readonly (readonly [field: string, value: string])[] {
	const list = listOf(reply);
	return Array.from({ length: list.length / 2 }, (_, at) => [String(list[2 * at]), String(list[2 * at + 1])] as const);
}

/** A whole number that lies in Redis as text; null for anything else. */
export function wholeOf(reply: KeyReply | undefined): number | null {
	const number = typeof reply === 'string' && /^\d+$/.test(reply) ? Number(reply) : null;
	return number !== null && Number.isSafeInteger(number) ? number : null;
}
