/** How a task's state is told: always by shape and word, and by colour on top. */
import type { TaskState } from '#main/domain/task.ts';
import type { IconName } from './icon-paths.ts';

/** Colour families of tags, banners, toasts and rows. */
export type Tone = 'neutral' | 'accent' | 'failed' | 'succeeded' | 'running' | 'warning';

/** Shape, word and colour of one state. */
export interface StateLook {
	readonly icon: IconName;
	readonly word: string;
	readonly tone: Tone;
}

/** Looks by state. */
export const STATE_LOOKS: Readonly<Record<TaskState, StateLook>> = {
	queued: { icon: 'state-queued', word: 'Queued', tone: 'neutral' },
	running: { icon: 'state-running', word: 'Running', tone: 'running' },
	succeeded: { icon: 'state-succeeded', word: 'Succeeded', tone: 'succeeded' },
	failed: { icon: 'state-failed', word: 'Failed', tone: 'failed' },
	retrying: { icon: 'state-retrying', word: 'Retrying', tone: 'warning' },
	revoked: { icon: 'state-revoked', word: 'Revoked', tone: 'neutral' },
	rejected: { icon: 'state-rejected', word: 'Rejected', tone: 'failed' },
	lost: { icon: 'state-lost', word: 'Lost', tone: 'warning' },
};

/** The sign that stands before words of a tone, so that no tone is colour alone. */
export const TONE_ICONS: Readonly<Record<Tone, IconName>> = {
	neutral: 'info',
	accent: 'info',
	running: 'info',
	failed: 'state-failed',
	succeeded: 'check',
	warning: 'warning',
};
