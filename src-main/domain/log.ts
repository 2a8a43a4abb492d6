/** Warren's own log: structured lines, no secrets, never task payloads. */
export interface Log {
	debug(event: string, facts?: LogFacts): void;
	info(event: string, facts?: LogFacts): void;
	warn(event: string, facts?: LogFacts): void;
	error(event: string, facts?: LogFacts): void;
}
export type LogFacts = Readonly<Record<string, string | number | boolean | null>>;

/** For tests and for parts whose log nobody asked for. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
