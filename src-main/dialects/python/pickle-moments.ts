/** Dates of Python in a pickle, as moments. */
import { nameOf, type PickleNode } from './pickle-nodes.ts';

/** A `datetime`. Aware ones have `at` as epoch ms; of naive ones it is what the clock would have read in UTC. Microseconds are cut. */
export interface PickleMoment {
	readonly at: number;
	readonly aware: boolean;
}

const UTC = new Set(['pytz._UTC', 'datetime.timezone.utc']);

/** The moment that a node describes; null for what is no `datetime`, or has a zone whose offset the pickle does not tell. */
export function momentOf(node: PickleNode): PickleMoment | null {
	const args = argsOf(node, 'datetime.datetime');
	const packed = args?.[0];
	if (packed?.kind !== 'scalar' || packed.value.kind !== 'bytes') return null;
	const bytes = Buffer.from(packed.value.base64, 'base64');
	if (bytes.length !== 10) return null;
	// The month's high bit is Python's `fold`.
	const month = (bytes[2] ?? 0) & 0x7f;
	const at = Date.UTC(
		bytes.readUInt16BE(0),
		month - 1,
		bytes[3],
		bytes[4],
		bytes[5],
		bytes[6],
		Math.floor(bytes.readUIntBE(7, 3) / 1_000),
	);
	const zone = args?.[1];
	if (zone === undefined || (zone.kind === 'scalar' && zone.value.kind === 'none')) return { at, aware: false };
	const offset = offsetOf(zone);
	return offset === null ? null : { at: at - offset, aware: true };
}

/** Offset from UTC in ms of a zone that tells it. */
function offsetOf(zone: PickleNode): number | null {
	if (zone.kind !== 'object') return null;
	const target = nameOf(zone.target);
	if (target !== null && UTC.has(target)) return 0;
	const fixed = argsOf(zone, 'datetime.timezone')?.[0];
	if (fixed !== undefined) {
		const delta = argsOf(fixed, 'datetime.timedelta');
		const [days, seconds] = [intOf(delta?.[0]), intOf(delta?.[1])];
		return days === null || seconds === null ? null : (days * 86_400 + seconds) * 1_000;
	}
	// pytz: its name, then the offset in seconds where the zone has one that changes.
	const pytz = argsOf(zone, 'pytz._p');
	if (pytz === null) return null;
	const seconds = intOf(pytz[1]);
	return seconds === null ? null : seconds * 1_000;
}

function argsOf(node: PickleNode, called: string): readonly PickleNode[] | null {
	if (node.kind !== 'object' || nameOf(node.target) !== called) return null;
	return node.args.kind === 'tuple' ? node.args.items : null;
}

function intOf(node: PickleNode | undefined): number | null {
	if (node?.kind !== 'scalar' || node.value.kind !== 'int') return null;
	const value = Number(node.value.text);
	return Number.isSafeInteger(value) ? value : null;
}
