/** Mail: logs at every level, so that the log view's choice of level has something to choose from. */
import { pause } from './shop.mjs';

export async function send_receipt({ args, kwargs, log }) {
	const [order] = args;
	log.debug('template receipt.html, locale %s', kwargs.locale ?? 'en');
	log.info('sending the receipt of order %s to %s', order, kwargs.to);
	await pause(80);
	log.warning('the first mail server is busy; trying the second');
	await pause(80);
	console.log('250 2.0.0 Ok: queued as 4F2A91C');
	console.error('TLS certificate of mx2.example.com ends in 9 days');
	log.info('sent');
	return { to: kwargs.to, message_id: `<receipt-${order}@shop.example>` };
}

export async function send_newsletter({ kwargs, log }) {
	const people = kwargs.recipients ?? [];
	for (const person of people) {
		await pause(40);
		if (!person.includes('@')) {
			log.critical('stopped: %j is no address', person);
			throw new TypeError(`"${person}" is not an e-mail address`);
		}
		log.info('to %s', person);
	}
	return people.length;
}
