/** Where a host may put snapshots: hosts see the store through the engine only. */
import type { Result } from '#main/domain/result.ts';
import { openSnapshotFile, type SnapshotFile } from '#main/store/snapshot-file.ts';

/** A SQLite file for snapshots, made where there is none. Dispose of it to close it. */
export function snapshotFile(path: string): Result<SnapshotFile> {
	return openSnapshotFile(path);
}
