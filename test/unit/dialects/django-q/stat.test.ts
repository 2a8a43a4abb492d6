import { describe, expect, it } from 'vitest';
import { readPacket } from '#main/dialects/django-q/packet.ts';
import { readStat } from '#main/dialects/django-q/stat.ts';
import { captured } from './fixtures.ts';

interface Stat {
	readonly workers: readonly number[];
	readonly tob: { readonly iso: string };
	readonly timestamp: { readonly iso: string };
	readonly cluster_id: { readonly value: string };
	readonly status: { readonly msgid: string };
	readonly [count: string]: unknown;
}

const beats = captured(/^stats-/).flatMap(({ file, prefix, items }) =>
	items.map((item, at) => ({ label: `${file} ${at}`, prefix, item })),
);

function read(wire: string, prefix: string) {
	const packet = readPacket(wire);
	if (!packet.ok) throw new Error(packet.error.message);
	return readStat(packet.value, { prefix, verified: true });
}

/** What Python says of a captured heartbeat, in our words. */
function expected(decoded: unknown, prefix: string, signedAt: number) {
	const { state } = decoded as { readonly state: Stat };
	const at = (name: 'tob' | 'timestamp') => {
		const { iso } = state[name];
		if (/[+Z]/.test(iso.slice(10))) return Math.floor(Date.parse(iso));
		// A naive time: the capture was made in UTC.
		expect(Math.abs(Date.parse(`${iso}Z`) - signedAt)).toBeLessThan(name === 'tob' ? 600_000 : 2_000);
		return Math.floor(Date.parse(`${iso}Z`));
	};
	return {
		clusterId: state.cluster_id.value,
		host: state.host,
		prefix,
		status: state.status.msgid,
		workers: state.workers,
		pid: state.pid,
		sentinel: state.sentinel,
		monitor: state.monitor,
		pusher: state.pusher,
		taskQueue: state.task_q_size,
		resultQueue: state.done_q_size,
		reincarnations: state.reincarnations,
		bornAt: at('tob'),
		beatAt: at('timestamp'),
		verified: true,
		digest: 'sha256',
		aware: /[+Z]/.test(state.timestamp.iso.slice(10)),
	};
}

describe('a heartbeat', () => {
	it('was captured in every state', () => {
		const states = new Set(
			beats.map(({ item, prefix }) => {
				const beat = read(item.wire_ascii, prefix);
				return beat.ok ? beat.value.status : beat.error.message;
			}),
		);
		expect(states).toEqual(new Set(['Starting', 'Idle', 'Working', 'Stopping', 'Stopped']));
	});

	it.each(beats)('is read as Python reads it: $label', ({ item, prefix }) => {
		expect(read(item.wire_ascii, prefix)).toEqual({
			ok: true,
			value: expected(item.decoded, prefix, (item.timestamp_unix ?? 0) * 1_000),
		});
	});

	it('is told from a task', () => {
		const task = captured(/^tasks-sha1/)[0];
		expect(read(task?.items[0]?.wire_ascii ?? '', 'a')).toMatchObject({ ok: false, error: { code: 'undecodable' } });
	});
});
