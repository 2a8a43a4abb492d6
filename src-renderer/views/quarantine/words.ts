/** How messages in quarantine are told. */
import type { QuarantineCause, QuarantineItem, QuarantineState } from '#main/domain/quarantine.ts';
import { grouped } from '../../components/format.ts';
import type { IconName } from '../../components/icon-paths.ts';
import type { Tone } from '../../components/states.ts';
import { messages } from '../../state/quarantine.svelte.ts';

export interface CauseLook {
	readonly icon: IconName;
	readonly tone: Tone;
	readonly word: string;
	/** What it means, and what usually helps. */
	readonly meaning: string;
}

export const CAUSES: Readonly<Record<QuarantineCause, CauseLook>> = {
	undecodable: {
		icon: 'state-rejected',
		tone: 'failed',
		word: 'Unreadable',
		meaning: 'It cannot be read as a task. Mend its body or the task it names, then send it on.',
	},
	'unknown-task': {
		icon: 'help',
		tone: 'warning',
		word: 'Unknown task',
		meaning:
			'It names a task that no module here has. Deploy the task and release it, or send it on under another name.',
	},
	'known-outcome': {
		icon: 'state-retrying',
		tone: 'warning',
		word: 'Came again',
		meaning:
			'The broker handed it out again although it is known how it ended. Release it to run it once more, or discard it.',
	},
};

/** What a message that can be read stands for, before and after the task's name. Only an unreadable one has changed by that. */
export const READS: Readonly<Record<QuarantineCause, readonly [before: string, after: string]>> = {
	undecodable: ['It can be read by now. Released, it runs as', '.'],
	'unknown-task': ['It reads as a call of', ', and runs once a consumer here has that task.'],
	'known-outcome': ['It reads as a call of', ', and runs once more when it is released.'],
};

export const STATES: Readonly<Record<QuarantineState | 'any', string>> = {
	held: 'Held',
	released: 'Released',
	sent: 'Sent on',
	discarded: 'Discarded',
	any: 'All',
};

/** What was decided about a message, in a few words; null while it is held. */
export function settledWords(item: QuarantineItem): string | null {
	switch (item.state) {
		case 'held':
			return null;
		case 'released':
			return `given back to ${item.settledTo ?? item.queue}`;
		case 'sent':
			return `sent to ${item.settledTo ?? 'a queue'}`;
		case 'discarded':
			return 'discarded';
	}
}

/** "and 11 more like it", or nothing. */
export function alikeWords(item: QuarantineItem): string | null {
	return item.state !== 'held' || item.alike < 2 ? null : `${grouped(item.alike)} alike`;
}

const VERBS = { release: 'Release', discard: 'Discard', restore: 'Hold', send: 'Send' } as const;

/** "Discard 3 messages". */
export function decisionWords(action: keyof typeof VERBS, count: number): string {
	return `${VERBS[action]} ${messages(count)}${action === 'restore' ? ' again' : ''}`;
}
