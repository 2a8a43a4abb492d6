import { describe, expect, it } from 'vitest';

// Read from the disk: style sheets that are imported come out empty here. The page's types know nothing of Node.
const disk = (await import('node:fs' as string)) as { readFileSync(path: string, encoding: 'utf8'): string };
const here = (import.meta as unknown as { readonly dirname: string }).dirname;
const css = disk.readFileSync(`${here}/../../../src-renderer/styles/tokens.css`, 'utf8');

type Oklch = readonly [lightness: number, chroma: number, hue: number];

/** Linear light of an OKLCH colour, cut to what a screen shows. */
function linear([lightness, chroma, hue]: Oklch): readonly number[] {
	const a = chroma * Math.cos((hue * Math.PI) / 180);
	const b = chroma * Math.sin((hue * Math.PI) / 180);
	const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
	const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
	const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
	return [
		4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
		-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
		-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
	].map((part) => Math.min(1, Math.max(0, part)));
}
function luminance(colour: Oklch): number {
	const [red = 0, green = 0, blue = 0] = linear(colour);
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(one: Oklch, other: Oklch): number {
	const [bright = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
	return (bright + 0.05) / (dark + 0.05);
}

const TOKEN = /--([\w-]+): light-dark\(oklch\(([\d.]+) ([\d.]+) ([\d.]+)\), oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)\)/g;
const tokens = new Map<string, { readonly light: Oklch; readonly dark: Oklch }>();
for (const [, name = '', ...numbers] of css.matchAll(TOKEN)) {
	const [l1 = 0, c1 = 0, h1 = 0, l2 = 0, c2 = 0, h2 = 0] = numbers.map(Number);
	tokens.set(name, { light: [l1, c1, h1], dark: [l2, c2, h2] });
}
function ratio(front: string, ground: string, theme: 'light' | 'dark'): number {
	const one = tokens.get(front);
	const other = tokens.get(ground);
	if (one === undefined || other === undefined) throw new Error(`no token ${one === undefined ? front : ground}`);
	return contrast(one[theme], other[theme]);
}

const GROUNDS = ['bg', 'raised-1', 'raised-2', 'raised-3', 'overlay', 'code', 'row-hover', 'row-selected', 'own-code'];
const STATE_GROUNDS = ['failed-ground', 'succeeded-ground', 'running-ground', 'warning-ground', 'accent-ground'];
const STATES = ['failed', 'succeeded', 'running', 'warning'];
const CODE = ['value-text', 'value-number', 'value-word'];

/** Every pair of letters and ground that the components use. */
const TEXT: readonly (readonly [string, string])[] = [
	...['ink', 'ink-2', 'ink-3'].flatMap((ink) => [...GROUNDS, ...STATE_GROUNDS].map((ground) => [ink, ground] as const)),
	...STATES.flatMap((state) => [...GROUNDS, `${state}-ground`].map((ground) => [state, ground] as const)),
	...CODE.flatMap((word) => ['code', 'bg', 'raised-1', 'raised-2'].map((ground) => [word, ground] as const)),
	...[...GROUNDS, 'accent-ground'].map((ground) => ['accent-text', ground] as const),
	['accent-ink', 'accent'],
	['accent-ink', 'accent-hover'],
	['failed-strong-ink', 'failed-strong'],
	['ink', 'found'],
];
/** Every pair where a shape must be made out: outlines of what can be filled in, rings, bars, ticks. */
const SHAPES: readonly (readonly [string, string])[] = [
	...['bg', 'raised-1', 'raised-2', 'overlay', 'code', 'row-hover', 'row-selected'].map(
		(ground) => ['line-control', ground] as const,
	),
	...[...GROUNDS, ...STATE_GROUNDS].map((ground) => ['accent', ground] as const),
	...[1, 2, 3, 4, 5, 6].flatMap((line) =>
		['bg', 'raised-1', 'raised-2', 'overlay'].map((ground) => [`chart-${line}`, ground] as const),
	),
	['bg', 'line-control'],
	['bg', 'succeeded'],
	['accent-ink', 'accent'],
	['failed-strong', 'overlay'],
];

describe.each(['light', 'dark'] as const)('contrast in the %s theme', (theme) => {
	it('is at least 4.5 for every pair of letters and ground', () => {
		const weak = TEXT.filter(([front, ground]) => ratio(front, ground, theme) < 4.5).map(
			([front, ground]) => `${front} on ${ground}: ${ratio(front, ground, theme).toFixed(2)}`,
		);
		expect(weak).toEqual([]);
	});
	it('is at least 3 for every shape that tells something', () => {
		const weak = SHAPES.filter(([front, ground]) => ratio(front, ground, theme) < 3).map(
			([front, ground]) => `${front} on ${ground}: ${ratio(front, ground, theme).toFixed(2)}`,
		);
		expect(weak).toEqual([]);
	});
});

describe('the tokens', () => {
	it('were all read: none is stated in a form that this test would pass over', () => {
		const stated = [...css.matchAll(/--([\w-]+): light-dark\(/g)].map((match) => match[1]);
		const translucent = ['scrim', 'shadow-colour'];
		expect(stated.filter((name) => name !== undefined && !tokens.has(name) && !translucent.includes(name))).toEqual([]);
		expect(tokens.size).toBeGreaterThan(30);
	});
});

describe('the components', () => {
	const sources = import.meta.glob<string>('../../../src-renderer/components/*.{svelte,ts}', {
		query: '?raw',
		import: 'default',
		eager: true,
	});
	it('state no colour of their own and name only tokens that exist', () => {
		const all = new Set([...css.matchAll(/--([\w-]+):/g)].map((match) => match[1]));
		for (const [file, source] of Object.entries(sources)) {
			const styles = source.includes('<style>') ? source.slice(source.indexOf('<style>')) : '';
			expect(styles, file).not.toMatch(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(/i);
			for (const [, name = ''] of source.matchAll(/var\(--([\w-]+)/g)) {
				if (!name.startsWith('bits-') && name !== 'json-least') expect(all.has(name), `${file}: --${name}`).toBe(true);
			}
		}
	});
	it('never write foreign text as HTML', () => {
		for (const [file, source] of Object.entries(sources))
			expect(source, file).not.toMatch(/\{@html|innerHTML|outerHTML|insertAdjacentHTML/);
	});
});
