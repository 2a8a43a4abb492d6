/** Packets of django-q's as a site's own `async_task` would leave them in its list. */
import { writePacketMessage } from '#main/dialects/django-q/message.ts';
import { must } from './brokers.ts';

export interface PacketSite {
	readonly prefix: string;
	readonly secretKey: string;
}

export interface PacketFacts {
	/** 32 hexadecimal digits. */
	readonly id: string;
	readonly name: string;
	/** Its only argument. */
	readonly argument: number;
	readonly group: string | null;
	/** When it was signed, epoch ms. */
	readonly at: number;
}

/** One packet, signed, as it lies in Redis. */
export function packetText(site: PacketSite, facts: PacketFacts): string {
	const { id, name, group } = facts;
	const call = { args: [{ kind: 'int', text: String(facts.argument) } as const], kwargs: [] };
	const signing = { ...site, digest: 'sha256', aware: true, now: facts.at, assumed: null } as const;
	const options = { name: null, group, hook: null, timeout: null };
	const message = must(writePacketMessage({ id, name, call, queue: site.prefix }, signing, options));
	return Buffer.from(message.body).toString('latin1');
}
