/** Every step in order. Append only. */
import { history } from './0001-history.ts';
import { consumers } from './0002-consumers.ts';
import { retries } from './0003-retries.ts';
import { schedules } from './0004-schedules.ts';
import { observed } from './0005-observed.ts';
import { fewerWrites } from './0006-fewer-writes.ts';
import { views } from './0007-views.ts';
import { failureGroups } from './0008-failure-groups.ts';
import { lineage } from './0009-lineage.ts';
import { undo } from './0010-undo.ts';
import { figures } from './0011-figures.ts';
import { numberWords } from './0012-number-words.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
	history,
	consumers,
	retries,
	schedules,
	observed,
	fewerWrites,
	views,
	failureGroups,
	lineage,
	undo,
	figures,
	numberWords,
];
