import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// biome-ignore lint/style/noDefaultExport: where Vite looks for it
export default defineConfig({
	root: import.meta.dirname,
	plugins: [svelte()],
	build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'esnext', emptyOutDir: true },
	logLevel: 'error',
});
