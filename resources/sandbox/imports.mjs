/** Imports: a file that is not in the encoding it claims, as they are. */
import { pause, UnicodeDecodeError } from './shop.mjs';

const FILE = Buffer.from('sku;title\nmug-blue;Mug, blue\ntea-darjeeling;Darjeeling, fran\xe7ais\n', 'latin1');

export async function load_csv({ args, kwargs, log }) {
	const [path] = args;
	const encoding = kwargs.encoding ?? 'utf-8';
	log.info('reading %s as %s', path, encoding);
	await pause(120);
	const rows = decode(FILE, encoding).trim().split('\n').slice(1);
	for (const row of rows) log.debug('row: %s', row);
	return { rows: rows.length };
}

function decode(bytes, encoding) {
	try {
		return new TextDecoder(encoding, { fatal: true }).decode(bytes);
	} catch (error) {
		const position = bytes.findIndex((byte) => byte > 0x7f);
		const byte = bytes[position]?.toString(16);
		throw new UnicodeDecodeError(
			`'${encoding}' codec can't decode byte 0x${byte} in position ${position}: invalid continuation byte`,
			{ cause: error },
		);
	}
}
