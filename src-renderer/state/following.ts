/** Reading again now and then while somebody looks and something is still to come, never so often that it is a burden. */

/** Between two looks at least, in ms. */
const LEAST_MS = 3_000;
/** A look may take a twentieth of the time, so that what answers slowly is asked rarely. */
const SHARE = 20;

/** Reads again while the page can be seen and `moving` says that there is something to wait for, until disposed of. */
export function follow(moving: () => boolean, read: () => Promise<void>): Disposable {
	let timer: ReturnType<typeof setTimeout> | null = null;
	let over = false;
	const next = (ms: number): void => {
		timer = setTimeout(async () => {
			const began = performance.now();
			if (document.visibilityState === 'visible' && moving()) await read();
			if (!over) next(Math.max(LEAST_MS, SHARE * (performance.now() - began)));
		}, ms);
	};
	next(LEAST_MS);
	return {
		[Symbol.dispose]() {
			over = true;
			if (timer !== null) clearTimeout(timer);
		},
	};
}
