/** Packets captured from clusters, with what Python says of them. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Captured {
	readonly wire_ascii: string;
	readonly name?: string;
	readonly expect?: string;
	readonly prefix?: string;
	readonly salt?: string;
	readonly signature?: string;
	readonly algorithm?: 'sha1' | 'sha256';
	readonly timestamp_unix?: number;
	readonly compressed?: boolean;
	readonly pickle_base64?: string;
	readonly decoded?: unknown;
}

export interface CapturedFile {
	readonly file: string;
	readonly secret_key: string;
	readonly prefix: string;
	readonly items: readonly Captured[];
}

const folder = new URL('../../../fixtures/django-q/', import.meta.url);

/** All captured files whose names match. */
export function captured(name: RegExp): readonly CapturedFile[] {
	return readdirSync(folder)
		.filter((file) => name.test(file))
		.map((file) => ({ file, ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }));
}
