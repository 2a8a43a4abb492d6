/** What a person should know about the Redis under a shared book. Pure: answers of Redis in, facts out. */
import type { BookFact } from '#main/domain/schedule.ts';

/** What was asked besides the entries; nulls: this user may not ask it. */
export interface RedisAnswers {
	/** The lease's text; null: nobody holds it. */
	readonly lease: string | null;
	/** Redis's clock, epoch ms. */
	readonly time: number;
	/** This machine's clock before and after it was asked, epoch ms. */
	readonly asked: number;
	readonly answered: number;
	readonly memory: string | null;
	readonly persistence: string | null;
	readonly replication: string | null;
}

/** Clocks that differ less make no difference that anybody would see. */
const SKEW = 1_000;

/** The facts, the ordinary ones first. */
export function redisFacts(answers: RedisAnswers): readonly BookFact[] {
	return [
		holderFact(answers.lease),
		...skewFacts(answers),
		...memoryFacts(answers.memory),
		...persistenceFacts(answers),
	];
}

/** Who holds a lease with this text. */
export function leaseHolder(lease: string): { readonly fence: number; readonly holder: string } | null {
	const [, fence, holder] = /^(\d+) (.+)$/s.exec(lease) ?? [];
	return fence === undefined || holder === undefined ? null : { fence: Number(fence), holder };
}

function holderFact(lease: string | null): BookFact {
	if (lease === null) {
		return { label: 'Run by', value: 'Nobody runs these schedules at the moment.', tone: 'warning' };
	}
	return { label: 'Run by', value: leaseHolder(lease)?.holder ?? 'something else than Warren', tone: 'info' };
}

function skewFacts({ time, asked, answered }: RedisAnswers): readonly BookFact[] {
	// Somewhere between question and answer Redis looked at its clock.
	const ahead = Math.max(0, asked - time);
	const behind = Math.max(0, time - answered);
	const skew = Math.max(ahead, behind);
	if (skew <= SKEW) return [];
	const seconds = (skew / 1_000).toFixed(1);
	const side = ahead > behind ? 'ahead of' : 'behind';
	return [
		{
			label: 'Clock',
			value: `This machine's clock is ${seconds} s ${side} Redis's. Whoever runs the schedules goes by his own clock: set them right.`,
			tone: 'warning',
		},
	];
}

/** Whether Redis may throw schedules away, by its answer to `INFO memory`; null: this user may not ask it. */
export function memoryFacts(memory: string | null): readonly BookFact[] {
	const policy = infoField(memory, 'maxmemory_policy');
	if (policy?.startsWith('allkeys-') !== true) return [];
	return [
		{
			label: 'Memory',
			value: `Redis throws away whatever it likes when memory gets short (${policy}), schedules too. Set maxmemory-policy to noeviction or a volatile policy.`,
			tone: 'warning',
		},
	];
}

function persistenceFacts({ persistence, replication }: RedisAnswers): readonly BookFact[] {
	const facts: BookFact[] = [];
	const warn = (value: string) => void facts.push({ label: 'Persistence', value, tone: 'warning' });
	if (infoField(persistence, 'aof_enabled') === '0') {
		warn(
			'Redis does not write every change to disk (appendonly no). After a crash of Redis the latest edits are lost, and due times of the last minutes could run twice. Set appendonly to yes.',
		);
	}
	if (
		infoField(persistence, 'aof_last_write_status') === 'err' ||
		infoField(persistence, 'rdb_last_bgsave_status') === 'err'
	) {
		warn('Redis could not save its data to disk the last time it tried: look at its log, its disk may be full.');
	}
	if (infoField(replication, 'role') === 'slave') {
		facts.push({
			label: 'Replica',
			value:
				'This Redis is a read-only replica: schedules can be looked at, and neither edited nor run. Give the address of its primary.',
			tone: 'warning',
		});
	}
	return facts;
}

/** A line of an answer to `INFO`; null: it has no such line. */
export function infoField(info: string | null, name: string): string | null {
	return info === null ? null : (new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null);
}
