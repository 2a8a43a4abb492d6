/** How often a property is tried: a few hundred times, many thousand with `WARREN_LONG`. */
const environment = (
	globalThis as { readonly process?: { readonly env: Readonly<Record<string, string | undefined>> } }
).process?.env;
export const RUNS = environment?.WARREN_LONG === undefined || environment.WARREN_LONG === '' ? 300 : 20_000;
