/** One thing that breaks a rule of the house: where, what, and the rule itself in words. */
export interface Violation {
	/** File, or folder, from the project's root. */
	readonly where: string;
	/** What was found there. */
	readonly found: string;
	/** The rule that it breaks. */
	readonly rule: string;
}

/** Violations as lines for an assertion: equal to `[]` when all is well, and telling when it is not. */
export function lines(violations: readonly Violation[]): readonly string[] {
	return violations.map(({ where, found, rule }) => `${where}: ${found}. Rule: ${rule}`);
}

/** A project as texts by path from its root, `/` between folders. */
export type Tree = ReadonlyMap<string, string>;
