/**
 * How the three parts are built: `out/main` (ES modules that share chunks), `out/preload` (one CommonJS file, because a
 * sandboxed preload cannot be an ES module) and `out/renderer` (the one bundle that window and browser both load).
 *
 * Every entry has a fixed name and chunks lie beside them, so code finds a thread as its sibling in `out/main` wherever the
 * bundler put that code. Launch scripts start `cli.js`, Electron starts `shell.js`. Packages stay outside the main bundle:
 * native ones load from `node_modules` as they are.
 */
import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';

const root = import.meta.dirname;
const from = (path: string) => resolve(root, path);

export default defineConfig({
	main: {
		build: {
			outDir: from('out/main'),
			target: 'node24.14',
			rolldownOptions: {
				input: {
					shell: from('src-main/shell/main.ts'),
					cli: from('src-main/headless/cli/main.ts'),
					'store-thread': from('src-main/store/thread.ts'),
					'embedded-thread': from('src-main/brokers/embedded/thread.ts'),
				},
				output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunk-[name]-[hash].js' },
			},
		},
	},
	preload: {
		build: {
			outDir: from('out/preload'),
			target: 'node24.14',
			externalizeDeps: false,
			rolldownOptions: {
				input: { index: from('src-preload/index.ts') },
				output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
			},
		},
	},
	renderer: {
		root: from('src-renderer'),
		plugins: [svelte({ configFile: false })],
		build: {
			outDir: from('out/renderer'),
			emptyOutDir: true,
			// Browsers of people who open the served console, not only the window's own engine.
			target: 'chrome130',
			minify: true,
			// The content security policy allows no data: fonts and no inline scripts: every asset is a file.
			assetsInlineLimit: 0,
			rolldownOptions: { input: from('src-renderer/index.html') },
		},
	},
});
