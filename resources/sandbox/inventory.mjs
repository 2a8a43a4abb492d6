/** Stock: an error with a chain of causes, and a task that ends its whole process. */
import { KeyError, PRODUCTS, pause } from './shop.mjs';

export async function sync({ args, log }) {
	const [skus] = args;
	log.info('comparing %d articles with the warehouse', skus.length);
	await pause(100);
	const counts = {};
	for (const sku of skus) {
		try {
			counts[sku] = product(sku).stock;
		} catch (error) {
			throw new Error(`Inventory could not be synchronised after ${Object.keys(counts).length} articles`, {
				cause: error,
			});
		}
	}
	return counts;
}

function product(sku) {
	const found = PRODUCTS[sku];
	if (found === undefined)
		throw new KeyError(`'${sku}'`, { cause: new Error('the warehouse sent an article that the shop does not sell') });
	return found;
}

export async function recount({ log }) {
	log.info('counting shelf by shelf');
	await pause(100);
	log.error('the label printer driver crashed');
	console.error('native driver: double free of label buffer');
	// What a crash inside native code looks like from outside: the process is gone without a word.
	process.exit(139);
}
