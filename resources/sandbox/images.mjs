/** Pictures: takes some seconds and tells how far it is, to be watched live. */
import { pause } from './shop.mjs';

export async function resize({ args, kwargs, log }) {
	const [file] = args;
	const sizes = kwargs.sizes ?? [64, 256, 1024];
	log.info('reading %s', file);
	for (const [index, size] of sizes.entries()) {
		for (let percent = 25; percent <= 100; percent += 25) {
			await pause(200);
			console.log(`${file} -> ${size} px  ${'█'.repeat(percent / 10).padEnd(10, '░')} ${percent} %`);
		}
		log.info('%d of %d sizes done', index + 1, sizes.length);
	}
	return Object.fromEntries(sizes.map((size) => [`${size}`, file.replace(/(\.\w+)$/, `-${size}$1`)]));
}
