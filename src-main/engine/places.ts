/** Where the product's own files lie, from source, from the bundle in `out/main`, and from a packed app. */
import { fileURLToPath } from 'node:url';

export interface Places {
	readonly storeThread: URL;
	readonly embeddedThread: URL;
	/** Runners and sandbox modules: files that other programs read, so never inside an archive. */
	readonly resources: string;
	/** The built page. */
	readonly renderer: string;
	/** The built preload script. */
	readonly preload: string;
}

/** `here` is the `import.meta.url` of a file one folder below `src-main` or `out`. */
export function places(here: string = import.meta.url): Places {
	const source = here.endsWith('.ts');
	const file = (path: string) => fileURLToPath(new URL(path, here));
	return {
		storeThread: new URL(source ? '../store/thread.ts' : './store-thread.js', here),
		embeddedThread: new URL(source ? '../brokers/embedded/thread.ts' : './embedded-thread.js', here),
		// Packing puts them beside the archive.
		resources: file('../../resources').replace(/[/\\]app\.asar[/\\]resources$/, ''),
		renderer: file('../../out/renderer'),
		preload: file('../../out/preload/index.cjs'),
	};
}
