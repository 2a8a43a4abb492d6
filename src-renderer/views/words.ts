/** Sentences that several views say. Pure: `now` is always given. */

import type { ArgumentSource } from '#main/domain/action.ts';
import type { ConnectionState, Profile } from '#main/domain/profile.ts';
import type { AttemptCause, TaskState } from '#main/domain/task.ts';
import { age, clockTime, counted, duration, relativeTime } from '../components/format.ts';
import type { IconName } from '../components/icon-paths.ts';
import type { Tone } from '../components/states.ts';
import type { ClientState, WireError } from '../state/engine.ts';

/** A connection in shape, colour and words. */
export interface ConnectionWords {
	readonly icon: IconName;
	readonly tone: Tone;
	/** One or two words, for narrow places. */
	readonly short: string;
	/** The whole of it. */
	readonly long: string;
}

/** "in 20 s", or "now" once the moment has come. */
function nextTry(at: number | null, now: number): string {
	if (at === null) return '';
	return at <= now + 500 ? ', trying now' : `, next try ${relativeTime(at, now)}`;
}

/** The connection to a broker. The built-in one need not be named a second time. */
export function connectionWords(state: ConnectionState, now: number, embedded = false): ConnectionWords {
	switch (state.kind) {
		case 'idle':
			return { icon: 'state-queued', tone: 'neutral', short: 'idle', long: 'not connected, nobody asked for it yet' };
		case 'connecting':
			return { icon: 'state-running', tone: 'running', short: 'connecting', long: 'connecting' };
		case 'connected':
			return {
				icon: 'state-succeeded',
				tone: 'succeeded',
				short: `connected ${age(state.since, now)}`,
				long: `connected ${age(state.since, now)}${state.server === null || embedded ? '' : ` to ${state.server}`}`,
			};
		case 'reconnecting':
			return {
				icon: 'state-lost',
				tone: 'warning',
				short: `no answer ${age(state.since, now)}`,
				long: `reconnecting since ${timeOfDay(state.since)}${nextTry(state.nextTryAt, now)}: ${state.reason}`,
			};
		case 'refused':
			return {
				icon: 'state-rejected',
				tone: 'failed',
				short: 'refused',
				long: `refused since ${timeOfDay(state.since)}${nextTry(state.nextTryAt, now)}: ${state.reason}`,
			};
	}
}

/** The page's own connection; null while all is well. */
export function wireWords(state: ClientState, now: number): string | null {
	switch (state.kind) {
		case 'connected':
			return null;
		case 'connecting':
			return state.attempt <= 1 ? null : 'Connecting to the engine again';
		case 'waiting':
			return `The engine does not answer since ${timeOfDay(state.since)}${nextTry(state.nextTryAt, now)}. What you see is as it was then.`;
		case 'mismatch':
			return `The engine was replaced by version ${state.build}. Load the page again to go on.`;
		case 'closed':
			return `The connection to the engine is closed: ${state.reason}`;
	}
}

/** `12:41`, in this machine's zone. */
export function timeOfDay(at: number): string {
	return clockTime(at).slice(0, 5);
}

/** Where a profile's broker is, shortly. */
export function brokerWords(profile: Profile): string {
	const { broker } = profile;
	if (broker.kind === 'embedded') return 'built-in broker';
	if (broker.kind === 'redis') {
		if (broker.socket !== undefined) return `redis ${broker.socket}/${broker.db}`;
		return `${broker.tls === null ? 'redis' : 'rediss'} ${broker.host}${broker.port === 6379 ? '' : `:${broker.port}`}/${broker.db}`;
	}
	const port = broker.port === (broker.tls === null ? 5672 : 5671) ? '' : `:${broker.port}`;
	const vhost = broker.vhost === '/' ? '' : `/${broker.vhost}`;
	return `${broker.tls === null ? 'amqp' : 'amqps'} ${broker.host}${port}${vhost}`;
}

/** That a profile's broker is out of reach, and since when and why; null while it answers, or is just being asked. */
export function brokerGone(
	{ profile, connection }: { readonly profile: Profile; readonly connection: ConnectionState },
	now: number,
): { readonly title: string; readonly reason: string } | null {
	if (connection.kind !== 'reconnecting' && connection.kind !== 'refused') return null;
	const { long } = connectionWords(connection, now);
	return {
		title: `${brokerWords(profile)} ${connection.kind === 'refused' ? 'refuses the connection' : 'does not answer'}`,
		reason: `${long.charAt(0).toUpperCase()}${long.slice(1).replace(/\.$/, '')}.`,
	};
}

/** What the tasks are written for, as people call it. */
export function frameworkWords(profile: Profile): string {
	if (profile.sandbox) return 'Sandbox';
	return { carrot: 'django-carrot', celery: 'Celery', 'django-q': 'django-q' }[profile.framework];
}

/** Why an attempt was made. */
export const CAUSE_WORDS: Readonly<Record<AttemptCause, string>> = {
	published: 'Published',
	requeued: 'Requeued by a person',
	redelivered: 'Handed out again by the broker',
	retried: 'Retried by a rule',
};

/** What a state means, for the moment a person wonders. */
export const STATE_MEANING: Readonly<Record<TaskState, string>> = {
	queued: 'Waits in its queue for a consumer to take it.',
	running: 'A worker has it.',
	succeeded: 'Ran to its end without an exception.',
	failed: 'Raised an exception.',
	retrying: 'Failed and will be tried again by a rule.',
	revoked: 'Was taken back before it ran.',
	rejected: 'Could not be read or started, so it never ran.',
	lost: 'Its worker ended without telling what became of it.',
};

/** What to do about an error, where its code says so. */
export function nextStep(error: WireError): string {
	switch (error.code) {
		case 'unreachable':
		case 'timeout':
			return 'It may work again later.';
		case 'read-only':
			return 'Turn off read-only in Settings, if it is yours to change.';
		case 'internal':
			return `This is a defect of Warren. Its log has the rest under ${error.ref}.`;
		case 'conflict':
			return 'Look again, then repeat it.';
		default:
			return '';
	}
}

/** How long a task waited and ran, for the drawer; null where it cannot be told. */
export function waited(from: number | null, to: number | null): string | null {
	return from === null || to === null || to < from ? null : duration(to - from);
}

/** "1 task", "1,284 tasks". */
export function tasks(count: number): string {
	return counted(count, 'task');
}

/** A key in the registry's spelling as people read it: `⇧D`, `Ctrl K`. */
export function keyWords(key: string): string {
	const mac = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform);
	const parts = key.split(/\+(?=.)/);
	const names: Readonly<Record<string, string>> = {
		Mod: mac ? '⌘' : 'Ctrl',
		Shift: '⇧',
		Alt: mac ? '⌥' : 'Alt',
		Escape: 'Esc',
		Enter: '↵',
		' ': 'Space',
	};
	const words = parts.map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part));
	const glued = words[0] === '⇧' || words[0] === '⌘';
	return words.join(glued ? '' : ' ');
}

/** Where arguments of tasks that are sent again come from, after a count. */
export const SOURCE_WORDS: Readonly<Record<ArgumentSource, string>> = {
	given: 'as given',
	message: 'from the kept message',
	worker: 'told by a worker',
	result: 'from the extended result',
	event: 'as events printed them, uncut',
};

/** What is wrong with arguments, without the place that the engine's words end with: beside a field the place is shown for itself. */
export function withoutPlace<P extends { readonly message: string }>(found: P | null): P | null {
	return found === null ? null : { ...found, message: found.message.replace(/ \(Line \d+, column \d+\.\)$/, '') };
}
