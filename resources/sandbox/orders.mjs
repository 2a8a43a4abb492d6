/** Orders. `charge_card` fails at its first attempt and succeeds when it is requeued: the gateway has recovered by then. */
import { euros, GatewayTimeout, PaymentDeclined, pause } from './shop.mjs';

export async function charge_card({ args, kwargs, log, attempt }) {
	const [order] = args;
	const amount = kwargs.amount ?? 0;
	log.info('charging order %s: %s', order, euros(amount));
	await pause(150);
	if (kwargs.card === 'expired') {
		log.error('the bank refused the card of order %s', order);
		throw new PaymentDeclined(`The bank declined the card for order ${order}: card expired`);
	}
	if (attempt === 1) {
		log.warning('the payment gateway does not answer, waiting once more');
		await pause(300);
		throw new GatewayTimeout(`Payment gateway did not answer within 450 ms (order ${order})`, {
			cause: new Error('connect ETIMEDOUT 192.0.2.10:443'),
		});
	}
	log.info('the gateway answers again; attempt %d charges %s', attempt, euros(amount));
	return { order, charged: amount, currency: 'EUR', transaction: `txn-${order}` };
}

export async function confirm({ args, log }) {
	const [order] = args;
	log.info('order %s is confirmed', order);
	console.log(`packing list for order ${order} printed`);
	await pause(60);
	return `order ${order} confirmed`;
}

export function total({ args }) {
	return args.reduce((sum, price) => sum + Number(price), 0);
}
