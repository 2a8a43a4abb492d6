/** What is shown to a person who is needed: what, why, and the next step. */
import type { IconName } from '../../components/icon-paths.ts';
import type { Tone } from '../../components/states.ts';
import type { LeftoverAction } from '../../state/leftovers.svelte.ts';
import type { View } from '../../state/route.svelte.ts';

/** One thing, for a person to do something about. */
export interface Finding {
	readonly id: string;
	readonly icon: IconName;
	readonly tone: Tone;
	readonly title: string;
	readonly reason: string;
	readonly next: FindingStep;
}

export type FindingStep =
	| {
			readonly kind: 'go';
			readonly label: string;
			readonly view: View;
			readonly filter?: string;
			readonly part?: string;
	  }
	| { readonly kind: 'consumer'; readonly label: string; readonly queue: string }
	| { readonly kind: 'leftovers'; readonly label: string; readonly action: LeftoverAction }
	| { readonly kind: 'connect'; readonly label: string };
