/** How a profile keeps what a Celery deployment calls by other names than Celery does by itself. */
import type { Asides } from '#main/brokers/driver.ts';
import { controlExchanges } from '#main/dialects/celery/control.ts';
import { CELERY_SETTINGS, type CelerySettings, type Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';

type CeleryInput = Pick<
	HandlerInput<'profile.add'>,
	'controlExchange' | 'eventExchange' | 'eventQueuePrefix' | 'sentEvents'
>;

/** AMQP's names have 255 bytes at most, and ours begin those of queues that go on with an id. */
const LONGEST = 150;
/** Celery's own words for what a person gives. */
const WORDS = {
	controlExchange: 'control_exchange',
	eventExchange: 'event_exchange',
	eventQueuePrefix: 'event_queue_prefix',
} as const;
const KEYS = ['controlExchange', 'eventExchange', 'eventQueuePrefix'] as const;

/** The names that a profile's deployment goes by. */
export function celeryOf(profile: Pick<Profile, 'celery'>): CelerySettings {
	return profile.celery ?? CELERY_SETTINGS;
}

/** Its exchanges that carry no tasks. */
export function asidesOf(profile: Pick<Profile, 'celery'>): Asides {
	const { eventExchange, controlExchange } = celeryOf(profile);
	return { events: eventExchange, replies: controlExchanges(controlExchange).answers };
}

/** What a person gave, laid over what there is; an empty text brings Celery's own name back. */
export function readCelery(
	input: CeleryInput,
	framework: Profile['framework'],
	old: Profile | null,
): Result<Pick<Profile, 'celery'>> {
	const settings: { -readonly [K in keyof CelerySettings]: CelerySettings[K] } = {
		...(old?.celery ?? CELERY_SETTINGS),
	};
	for (const key of KEYS) {
		const text = input[key]?.trim();
		if (text === undefined) continue;
		if (framework !== 'celery' && text !== '') {
			return refuse(key, `${WORDS[key]} is a setting of Celery's; this profile is of another framework.`);
		}
		const problem = text === '' ? null : problemOf(key, text);
		if (problem !== null) return refuse(key, problem);
		settings[key] = text === '' ? CELERY_SETTINGS[key] : text;
	}
	if (input.sentEvents !== undefined) {
		if (framework !== 'celery' && input.sentEvents) {
			return refuse(
				'sentEvents',
				'Only Celery has events of tasks that were sent; this profile is of another framework.',
			);
		}
		if (input.sentEvents) settings.sentEvents = true;
		else delete settings.sentEvents;
	}
	if (settings.eventExchange === controlExchanges(settings.controlExchange).requests) {
		return refuse('eventExchange', 'event_exchange cannot be the exchange of remote control: give another name.');
	}
	const usual = settings.sentEvents !== true && KEYS.every((key) => settings[key] === CELERY_SETTINGS[key]);
	return ok({ celery: usual ? null : settings });
}

/** What is wrong with a name; null: nothing is. */
function problemOf(key: keyof typeof WORDS, text: string): string | null {
	if (!text.isWellFormed() || /\p{Cc}/u.test(text)) return `${WORDS[key]} holds a character that no name has.`;
	const bytes = Buffer.byteLength(text);
	if (bytes > LONGEST) return `${WORDS[key]} has ${bytes} bytes; names made of it would be too long above ${LONGEST}.`;
	if (key === 'controlExchange' && /\.pidbox$/.test(text)) {
		return 'control_exchange is written without ".pidbox", which Celery adds by itself.';
	}
	// RabbitMQ keeps these names for itself, and refuses whoever declares one.
	if (key === 'eventQueuePrefix' && text.startsWith('amq.')) return 'event_queue_prefix cannot begin with "amq.".';
	return null;
}

function refuse(key: keyof CeleryInput, message: string): Result<never> {
	return fail('invalid-input', message, { details: { field: key } });
}
