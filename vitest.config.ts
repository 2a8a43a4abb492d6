/** Test projects: one per folder of `test/`, by what a test needs and how slow it may be. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** How long a test may take, in ms: far beyond what any needs, since a busy machine must not fail one; these are no budgets. */
const node = (name: string, more: { readonly timeout?: number } = {}) => ({
	test: {
		name,
		include: [`test/${name}/**/*.test.ts`],
		environment: 'node' as const,
		testTimeout: more.timeout ?? 60_000,
		hookTimeout: 120_000,
		pool: 'forks' as const,
	},
});

export default defineConfig({
	test: {
		projects: [
			node('unit'),
			node('architecture'),
			node('store', { timeout: 300_000 }),
			node('wire'),
			node('conformance', { timeout: 300_000 }),
			node('integration', { timeout: 300_000 }),
			node('electron', { timeout: 300_000 }),
			node('e2e', { timeout: 300_000 }),
			{
				plugins: [svelte({ configFile: false })],
				resolve: { conditions: ['browser'] },
				test: {
					name: 'ui',
					include: ['test/ui/**/*.test.ts'],
					environment: 'happy-dom',
					testTimeout: 60_000,
				},
			},
		],
	},
});
