/** What alarms ask of a person. */
import { ALARM_RULES, type Alarm, type AlarmRule } from '#main/domain/alarm.ts';
import { age } from '../../components/format.ts';
import type { IconName } from '../../components/icon-paths.ts';
import type { Finding } from './finding.ts';

/** What stops the work of a whole site; the rest only slows it. */
const GRAVE: ReadonlySet<AlarmRule> = new Set(['no-cluster', 'stuck-queue', 'cluster-lost']);
const ICONS: Partial<Readonly<Record<AlarmRule, IconName>>> = {
	'stuck-queue': 'queues',
	'oldest-waiting': 'queues',
	'queue-length': 'queues',
	'heartbeat-late': 'clock',
	'cluster-lost': 'state-lost',
	unsigned: 'key',
};

/** One for each alarm. That the broker cannot be reached the connection says itself. */
export function alarmFindings(alarms: readonly Alarm[], now: number): readonly Finding[] {
	return alarms
		.filter(({ rule, state }) => state !== 'building' && rule !== 'unreachable')
		.map(({ rule, subject, words, state, since }) => ({
			id: `alarm:${rule}:${subject}`,
			icon: ICONS[rule] ?? 'workers',
			tone: GRAVE.has(rule) ? 'failed' : 'warning',
			title: ALARM_RULES[rule].words,
			reason: `${words} ${state === 'calming' ? 'It seems to be over.' : `For ${age(since, now)}.`}`,
			next: { kind: 'go', label: 'Look at the clusters', view: 'workers' },
		}));
}
