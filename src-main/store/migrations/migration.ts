/** One step of the schema. */
export interface Migration {
	/** `user_version` after it; rises by one from 1. */
	readonly version: number;
	/** For the log and the backup's name. */
	readonly name: string;
	/** Statements, run in one transaction together with the new `user_version`. */
	readonly sql: string;
}
