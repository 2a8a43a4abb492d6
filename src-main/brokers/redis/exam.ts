/** What the doctor asks of a Redis beyond the connection: may its user do what is needed, and is there what is looked for. */
import type { DoctorStep } from '../../domain/profile.ts';
import type { ByteCommand, Link } from './link.ts';

/** What a step of the doctor found. */
export type Verdict = Pick<DoctorStep, 'status' | 'finding' | 'cure'>;

/** The last two steps, which differ by what Redis is used for. `queues`: those that the profile names. */
export interface RedisExam {
	rights(link: Link, queues: readonly string[]): Promise<Verdict>;
	queues(link: Link, queues: readonly string[]): Promise<Verdict>;
}

/** All is well. */
export function passed(finding: string): Verdict {
	return { status: 'passed', finding, cure: null };
}

/** It cannot go on like this. */
export function failed(finding: string, cure: string): Verdict {
	return { status: 'failed', finding, cure };
}

/** It goes on, and is worth a look. */
export function warning(finding: string, cure: string): Verdict {
	return { status: 'warning', finding, cure };
}

/**
 * Tries what a user needs: `reads` to look, `changes` to change; those must find nothing to change. `rights`: what an ACL would have to
 * permit.
 */
export async function rightsVerdict(
	link: Link,
	reads: readonly ByteCommand[],
	changes: readonly ByteCommand[],
	rights: string,
): Promise<Verdict> {
	const unread = await deniedAmong(link, reads);
	if (unread.length > 0) {
		return failed(`This user may not look: ${unread.join(', ')}.`, `Have it permitted: ACL SETUSER <user> ${rights}`);
	}
	const unchanged = await deniedAmong(link, changes);
	if (unchanged.length > 0) {
		return warning(
			`This user may look, but not change: ${unchanged.join(', ')}.`,
			`Enough for a read-only profile. For more: ACL SETUSER <user> ${rights}`,
		);
	}
	return passed('This user may look at queues and change them.');
}

async function deniedAmong(link: Link, commands: readonly ByteCommand[]): Promise<readonly string[]> {
	const answers = await Promise.all(commands.map((command) => link.bytes(command)));
	return answers.flatMap((answer, at) => {
		const [name = '', key = ''] = commands[at] ?? [];
		return !answer.ok && answer.error.details?.reply === 'NOPERM'
			? [name === 'EVAL' ? 'EVAL' : `${name} ${String(key)}`]
			: [];
	});
}
