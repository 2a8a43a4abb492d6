/** Reports: a big result, with numbers that a double can't hold. */
import { PRODUCTS, pause } from './shop.mjs';

export async function daily({ args, log }) {
	const [day] = args;
	log.info('adding up %s', day);
	await pause(250);
	const rows = [];
	for (let hour = 0; hour < 24; hour += 1) {
		for (const [sku, product] of Object.entries(PRODUCTS)) {
			const sold = (hour * 7 + sku.length) % 5;
			rows.push({ hour, sku, title: product.title, sold, revenue: sold * product.price });
		}
	}
	return {
		day,
		orders: 318,
		// Beyond 2^53: ids of this size must keep every digit on their way to the screen.
		last_order_id: 9007199254740993123n,
		revenue: rows.reduce((sum, row) => sum + row.revenue, 0),
		rows,
	};
}
