/** The whole console drawn over the small deployment of `world.ts`. */
import { render } from '@testing-library/svelte';
import App from '#renderer/App.svelte';
import type { AddressBar } from '#renderer/state/route.svelte.ts';
import { Warren } from '#renderer/state/warren.svelte.ts';
import { WireStatus } from '#renderer/state/wire.svelte.ts';
import type { FakeEngine } from '../state/fake-engine.ts';
import { profile, profileView, world } from './world.ts';

/** An address that nobody but the page moves. */
export function stillAddress(hash: string): AddressBar {
	let now = hash;
	return {
		read: () => now,
		push: (next) => {
			now = next;
		},
		replace: (next) => {
			now = next;
		},
		onMove: () => ({ [Symbol.dispose]: () => {} }),
	};
}

/** Draws the console at a place. Dispose of `warren` when it is done with; `prepare` may change the engine's answers first. */
export function drawConsole(
	hash: string,
	views = [profileView(profile('shop-eu'))],
	prepare: (engine: FakeEngine) => void = () => {},
): { readonly engine: FakeEngine; readonly warren: Warren } {
	const engine = world(views);
	prepare(engine);
	const wire = new WireStatus();
	wire.state = { kind: 'connected', since: 0 };
	const warren = new Warren(engine, wire, stillAddress(hash));
	render(App, { props: { warren } });
	return { engine, warren };
}
