/** What the sandbox's shop sells, and helpers of its tasks. The shop is made up; nothing here reaches a network. */

export class PaymentDeclined extends Error {
	name = 'PaymentDeclined';
}
export class GatewayTimeout extends Error {
	name = 'GatewayTimeout';
}
export class UnicodeDecodeError extends Error {
	name = 'UnicodeDecodeError';
}
export class KeyError extends Error {
	name = 'KeyError';
}

export const PRODUCTS = {
	'mug-blue': { title: 'Mug, blue', price: 1250, stock: 12 },
	'mug-white': { title: 'Mug, white', price: 1250, stock: 0 },
	'tea-assam': { title: 'Assam tea, 250 g', price: 890, stock: 140 },
};

/** Waits, as a network or a disk would make a task wait. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Cents as euros. */
export const euros = (cents) => `€ ${(cents / 100).toFixed(2)}`;
