/** Work that is begun once nothing has changed for a moment, for effects: what they return ends it. */

/** Begins `work` after so many ms, and tells it whether its answer has come too late. Returns what gives it up. */
export function later(ms: number, work: (stale: () => boolean) => Promise<void>): () => void {
	let stale = false;
	const timer = setTimeout(() => void work(() => stale), ms);
	return () => {
		stale = true;
		clearTimeout(timer);
	};
}
