/** One clock for everything that shows an age, so that a page full of ages ticks once and together. */
export class Now {
	/** Epoch ms, a second fine. */
	value = $state(Date.now());

	/** Ticks every second while the page can be seen. */
	start(): Disposable {
		const tick = (): void => {
			if (document.visibilityState === 'visible') this.value = Date.now();
		};
		const timer = setInterval(tick, 1_000);
		document.addEventListener('visibilitychange', tick);
		return {
			[Symbol.dispose]: () => {
				clearInterval(timer);
				document.removeEventListener('visibilitychange', tick);
			},
		};
	}
}
