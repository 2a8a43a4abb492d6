/** What the routes about schedules answer with. */
import type {
	BookCapabilities,
	BookFact,
	BookKind,
	BookState,
	BrokenEntry,
	ScheduleConflict,
	ScheduleDefinition,
	ScheduleField,
	ScheduleRemark,
	ScheduleRun,
	ScheduleVersion,
} from '#main/domain/schedule.ts';
import type { ScheduleDraft } from './schedule-draft.ts';

/** A schedule as lists show it: as edited here, whether or not its book has that yet. */
export interface ScheduleView {
	readonly book: BookKind;
	/** Names it together with `book`, through renames. */
	readonly key: string;
	readonly definition: ScheduleDefinition;
	/** Changes whenever the definition does; what `schedule.edit` takes as `from`. */
	readonly fingerprint: string;
	/** Its timing in plain words. */
	readonly words: string;
	readonly lastRunAt: number | null;
	/** Null: never again, paused, or its book alone knows. */
	readonly nextRunAt: number | null;
	readonly totalRuns: number | null;
	/** Its newest run that Warren knows of. */
	readonly lastRun: ScheduleRun | null;
	/** Runs of the last day that were missed, failed or are uncertain. */
	readonly troubled: number;
	/**
	 * new, edited, removed: waits here for its book. conflict: a person has to choose. refused: the book would not have it. synced:
	 * as its book has it.
	 */
	readonly sync: 'synced' | 'new' | 'edited' | 'removed' | 'conflict' | 'refused';
	/** Fields that differ from what the book was last known to have. */
	readonly changed: readonly ScheduleField[];
	/** Why the book refused it; null otherwise. */
	readonly problem: string | null;
	readonly remarks: readonly ScheduleRemark[];
}

/** One book of a profile. */
export interface BookView {
	readonly book: BookKind;
	/** What it is called on the screen. */
	readonly title: string;
	readonly state: BookState;
	readonly capabilities: BookCapabilities;
	/** Where it is, without a password; null: nowhere in particular. */
	readonly address: string | null;
	/** When all of it was last read; null: never. */
	readonly readAt: number | null;
	readonly schedules: number;
	/** Edits that wait here, and how many of them are in conflict. */
	readonly waiting: number;
	readonly conflicts: number;
	readonly broken: readonly BrokenEntry[];
	readonly facts: readonly BookFact[];
	/** Who runs its due times. `here`: this process. Null holder: nobody; null where Warren does not run this book. */
	readonly runner: {
		readonly here: boolean;
		readonly holder: string | null;
		/** Why nobody does, or what keeps it from publishing; null: all is well. */
		readonly note: string | null;
	} | null;
}

/** Something wrong with a draft, at its field, and within it where that can be told. */
export interface DraftProblem {
	readonly field: string;
	readonly message: string;
	/** From 1; null: the field as a whole. */
	readonly line: number | null;
	readonly column: number | null;
	/** From 0, in characters; null with them. */
	readonly offset: number | null;
}

/** One coming run. `local` is the zone's wall clock; `clockChange` is by how much it jumped since the run before, in ms. */
export interface ComingRun {
	readonly at: number;
	readonly local: string;
	readonly clockChange: number;
}

/** A message as it would be sent. */
export interface MessagePreview {
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: Readonly<Record<string, string | number>>;
	readonly headers: readonly (readonly [string, string])[];
	readonly body: string;
	readonly bodyBytes: number;
}

export interface SchedulePreview {
	/** Empty: it can be saved. */
	readonly problems: readonly DraftProblem[];
	/** As it would be saved; null while there are problems. */
	readonly definition: ScheduleDefinition | null;
	readonly words: string | null;
	readonly coming: readonly ComingRun[];
	/** Things to know that are no mistakes: others at the same moment, runs that would overlap, clock changes. */
	readonly hints: readonly string[];
	/** Null while there are problems, or where somebody else makes the message; `messageNote` says which. */
	readonly message: MessagePreview | null;
	readonly messageNote: string | null;
}

/** One schedule with everything. */
export interface ScheduleDetail {
	readonly view: ScheduleView;
	/** As a person would write it: what an editor is filled with. */
	readonly draft: ScheduleDraft;
	/** As its book was last known to have it; null: it has not. */
	readonly base: ScheduleDefinition | null;
	readonly conflict: ScheduleConflict | null;
	/** The edit that waits removes it. */
	readonly removing: boolean;
	/** The other side of the conflict in words of an editor; null: there is none, or it was removed there. */
	readonly theirs: ScheduleDraft | null;
	readonly coming: readonly ComingRun[];
	readonly message: MessagePreview | null;
	readonly messageNote: string | null;
	readonly versions: readonly ScheduleVersion[];
}

/** What became of each of several schedules. */
export interface ScheduleOutcome {
	readonly items: readonly {
		readonly name: string;
		readonly book: BookKind;
		/** done: in force in its book. waiting: kept here until the book answers. */
		readonly outcome: 'done' | 'waiting' | 'conflict' | 'failed' | 'skipped';
		readonly reason: string | null;
		/** The task that was published, where one was. */
		readonly taskId: string | null;
	}[];
	readonly done: number;
	readonly waiting: number;
	readonly failed: number;
	readonly dryRun: boolean;
}

/** One schedule after a change of it. */
export interface ScheduleChanged {
	readonly schedule: ScheduleView;
	/** done: in force in its book. waiting: kept here until the book answers. */
	readonly outcome: 'done' | 'waiting' | 'conflict' | 'refused';
	/** What a person should know about it; null: nothing. */
	readonly note: string | null;
}

export interface ScheduleCounts {
	readonly all: number;
	readonly active: number;
	readonly paused: number;
	readonly edited: number;
	readonly conflict: number;
	/** Edits that their book would not have; they count among the edited as well. */
	readonly refused: number;
	/** With a run of the last day that was missed, failed or is uncertain. */
	readonly troubled: number;
}

/** The tick of a profile's schedules: lists are to be read again when `revision` changes. */
export interface ScheduleTick {
	readonly revision: number;
	readonly counts: ScheduleCounts;
	readonly books: readonly BookView[];
}
