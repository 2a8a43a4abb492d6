/** How much of one attempt's log is kept: what runs tasks and what keeps their logs go by the same bounds. */

/** Lines per attempt. */
export const LOG_LINES_CAP = 1_000_000;
/** UTF-16 units of all its lines. */
export const LOG_SIZE_CAP = 256 * 1024 * 1024;
