/** Debian's Celery as an oracle: one Python process answers many cases. */
import { spawnSync } from 'node:child_process';

/** An answer, or the error that Python raised. */
export type Attempt<T> =
	| { readonly ok: T; readonly error?: undefined; readonly words?: undefined }
	| { readonly error: string; readonly words: string; readonly ok?: undefined };

export interface CeleryJob {
	/** The app's time zone; default UTC. */
	readonly zone?: string;
	/** Epoch seconds that are now there. */
	readonly now?: number;
	/** Single crontab fields. */
	readonly fields?: readonly { readonly field: string; readonly value: unknown }[];
	/** Crontabs, to be followed for `count` runs after a time in epoch seconds. */
	readonly following?: readonly {
		readonly crontab: Readonly<Record<string, unknown>>;
		readonly after: number;
		readonly count: number;
	}[];
	/** RedBeat's texts of definition and meta, as beat would load them and ask whether they are due. */
	readonly entries?: readonly (readonly [definition: string, meta: string | null])[];
	/** Rules (rrule), of which the first three times are wanted. */
	readonly occurrences?: readonly string[];
}

export interface CeleryAnswers {
	/** What each field comes to. */
	readonly fields: readonly Attempt<readonly number[]>[];
	/** Epoch seconds. */
	readonly following: readonly Attempt<readonly number[]>[];
	/** Whether each is due. */
	readonly entries: readonly Attempt<boolean>[];
	readonly occurrences: readonly Attempt<readonly number[]>[];
}

const SCRIPT = new URL('./celery_oracle.py', import.meta.url).pathname;

/** Asks Celery. Throws when Python cannot be run at all. */
export function askCelery(job: CeleryJob): CeleryAnswers {
	const run = spawnSync('/usr/bin/python3', ['-W', 'ignore', SCRIPT], {
		input: JSON.stringify(job),
		maxBuffer: 1 << 28,
		encoding: 'utf8',
	});
	if (run.status !== 0) throw new Error(`python3: ${run.error?.message ?? run.stderr}`);
	return JSON.parse(run.stdout);
}
