/** Telling others of tasks that are sent from here, where the deployment's own publishers do (`task_send_sent_event`). */
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { SENT_KEY, sentEvent } from '#main/dialects/celery/sent-event.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import { celeryOf } from './celery-settings.ts';
import type { Ports } from './ports.ts';
import { sender } from './user-name.ts';

/** Events of this process so far, for whoever orders by them. */
let ticks = 0;

/**
 * Sends the event of each message once, after the broker took the message: an event that fails is not tried again, since it may have
 * arrived. Answers why some failed; null: none did. Null instead of it: this profile's publishers tell nobody.
 */
export function tellingOfSent(
	ports: Pick<Ports, 'clock' | 'log'>,
	profile: Profile,
	driver: BrokerDriver,
): ((sent: readonly OutgoingMessage[]) => Promise<string | null>) | null {
	const { eventExchange: exchange, sentEvents } = celeryOf(profile);
	if (profile.framework !== 'celery' || sentEvents !== true || driver.broadcast === undefined) return null;
	const host = sender();
	return async (sent) => {
		const told = await Promise.all(
			sent.map(async (message) => {
				ticks += 1;
				const now = ports.clock.now();
				const by = { host, pid: process.pid, clock: ticks, now, minutesWest: new Date(now).getTimezoneOffset() };
				const body = sentEvent(message, by);
				return body === null ? null : driver.broadcast?.(eventMessage(exchange, host, body));
			}),
		);
		const failed = told.flatMap((one) => (one?.ok === false ? [one.error.message] : []));
		const [why] = failed;
		if (why === undefined) return null;
		ports.log.warn('celery.sent-untold', { profile: profile.id, events: failed.length, reason: why });
		return `Sent, but no event told of ${failed.length === 1 ? 'it' : `${failed.length} of them`}: ${why}`;
	};
}

/** As Celery's dispatcher sends it: transient, with the sender's name for a header. */
function eventMessage(exchange: string, host: string, body: Uint8Array): OutgoingMessage {
	return {
		exchange,
		routingKey: SENT_KEY,
		properties: {
			contentType: 'application/json',
			contentEncoding: 'utf-8',
			headers: [['hostname', { type: 'longstr', text: host }]],
			deliveryMode: 1,
			priority: 0,
		},
		body,
	};
}
