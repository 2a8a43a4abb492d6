/** SQLite's errors in words for a person. */
import type { Failure } from '#main/domain/result.ts';

/** A call of the store that could not be carried out; `failure` is what to show. */
export class StoreError extends Error {
	readonly failure: Failure;
	constructor(failure: Failure, options?: ErrorOptions) {
		super(failure.message, options);
		this.name = 'StoreError';
		this.failure = failure;
	}
}

/** What kind of trouble it was, in `details.kind`, for programs. */
export type StoreTrouble =
	| 'disk-full'
	| 'corrupt'
	| 'not-writable'
	| 'newer-schema'
	| 'busy'
	| 'cannot-open'
	| 'defect';

/** The failure for an error of a statement, or of opening `file`. */
export function failureOf(error: unknown, file: string): Failure {
	const code = codeOf(error);
	const words = error instanceof Error ? error.message : String(error);
	if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') {
		return trouble(
			'refused',
			'disk-full',
			`There is no space left for Warren's history (${file}). Nothing was written. Free some space and try again.`,
			file,
			true,
		);
	}
	if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
		return trouble(
			'internal',
			'corrupt',
			`Warren's history file ${file} is damaged (${words}). Nothing was deleted. Move the file away and start again to ` +
				'begin a new history; copies made before upgrades lie beside it, named backup.',
			file,
		);
	}
	if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_PERM') || code === 'EACCES' || code === 'EROFS') {
		return trouble(
			'refused',
			'not-writable',
			`Warren may not write its history ${file} (${words}). Check the owner and mode of the file and its folder.`,
			file,
		);
	}
	if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
		return trouble(
			'busy',
			'busy',
			`Another process has been writing to ${file} for too long. Try again; if it stays so, look for a Warren that hangs.`,
			file,
			true,
		);
	}
	if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_IOERR') || code === 'ENOENT') {
		return trouble(
			'refused',
			'cannot-open',
			`Warren could not read or write its history ${file} (${words}). Check that the folder exists and the disk is well.`,
			file,
			true,
		);
	}
	return trouble('internal', 'defect', `The store failed: ${words}`, file);
}

/** A failure with the file and the kind of trouble among its details. */
export function trouble(
	code: Failure['code'],
	kind: StoreTrouble,
	message: string,
	file: string,
	retryable = false,
): Failure {
	return { code, message, retryable, details: { kind, file } };
}

function codeOf(error: unknown): string {
	return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
