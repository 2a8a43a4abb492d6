/** Warren's own drawings on a 16 by 16 grid: strokes of 1.5, or filled where a shape must read at 10 px. */

/** One stroke or filled shape of an icon. */
export interface IconPart {
	readonly d: string;
	readonly fill?: true;
}

const circle = (cx: number, cy: number, r: number): string =>
	`M${cx - r} ${cy}a${r} ${r} 0 1 0 ${r * 2} 0a${r} ${r} 0 1 0 ${-r * 2} 0Z`;

const DIAMOND = 'M8 2.2 13.8 8 8 13.8 2.2 8Z';
const TRIANGLE = 'M8 2.6 14 13H2Z';

const ICONS = {
	// States: each its own outline, so that none depends on its colour.
	'state-queued': [{ d: circle(8, 8, 4.6) }],
	'state-running': [{ d: circle(8, 8, 4.6) }, { d: 'M8 3.4a4.6 4.6 0 0 1 0 9.2Z', fill: true }],
	'state-succeeded': [{ d: circle(8, 8, 5.2), fill: true }],
	'state-failed': [{ d: DIAMOND, fill: true }],
	'state-retrying': [{ d: 'M12.9 8.6A5 5 0 1 1 11.6 4.5' }, { d: 'M12.6 1.8v3.4H9.2' }],
	'state-revoked': [{ d: circle(8, 8, 5.2) }, { d: 'm4.4 4.4 7.2 7.2' }],
	'state-rejected': [{ d: 'm3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4' }],
	'state-lost': [{ d: TRIANGLE, fill: true }],

	// Views.
	attention: [{ d: DIAMOND }],
	queued: [{ d: circle(8, 8, 4.6) }],
	failed: [{ d: DIAMOND, fill: true }],
	completed: [{ d: circle(8, 8, 4.6), fill: true }],
	scheduled: [{ d: circle(8, 8, 5.6) }, { d: 'M8 4.8V8l2.4 1.4' }],
	queues: [{ d: 'M2.5 4h11M2.5 8h11M2.5 12h7' }],
	workers: [{ d: 'M3 3h10v10H3Z' }, { d: 'M6.2 6.2h3.6v3.6H6.2Z', fill: true }],
	quarantine: [{ d: 'M2 3h12v3H2ZM3.2 6v7h9.6V6M6.2 9h3.6' }],
	site: [
		{ d: circle(8, 8, 5.8) },
		{ d: 'M2.4 8h11.2M8 2.2c2 1.7 2.8 3.6 2.8 5.8S10 12.1 8 13.8C6 12.1 5.2 10.2 5.2 8S6 3.9 8 2.2Z' },
	],
	console: [{ d: 'm3 4.5 3.5 3.5L3 11.5M8.5 12H13' }],
	reports: [{ d: 'M1.8 9h2.6l1.8-5 3.2 8 1.8-5 .8 2h2.2' }],
	journal: [{ d: 'M3 4h10M3 8h10M3 12h10' }, { d: 'M1.2 4h.1M1.2 8h.1M1.2 12h.1' }],
	settings: [
		{ d: 'M2 4.5h6.5M12 4.5h2M2 11.5h2M7.5 11.5H14' },
		{ d: circle(10.2, 4.5, 1.7) },
		{ d: circle(5.8, 11.5, 1.7) },
	],
	sandbox: [{ d: 'M2.2 6.2 8 3l5.8 3.2v5L8 14.2l-5.8-3Z' }, { d: 'M2.4 6.3 8 9.4l5.6-3.1M8 9.4v4.6' }],
	task: [{ d: 'M4 2.2h5.6L12.5 5v8.8H4Z' }, { d: 'M6.4 7h3.4M6.4 10h3.4' }],

	// Signs.
	search: [{ d: circle(7, 7, 4.4) }, { d: 'm10.4 10.4 3.4 3.4' }],
	close: [{ d: 'm4 4 8 8M12 4l-8 8' }],
	check: [{ d: 'm3.2 8.4 3.2 3.2 6.4-7' }],
	minus: [{ d: 'M3.5 8h9' }],
	plus: [{ d: 'M8 3.2v9.6M3.2 8h9.6' }],
	more: [{ d: `${circle(3.2, 8, 1.1)}${circle(8, 8, 1.1)}${circle(12.8, 8, 1.1)}`, fill: true }],
	'chevron-down': [{ d: 'm4 6.2 4 4 4-4' }],
	'chevron-up': [{ d: 'm4 9.8 4-4 4 4' }],
	'chevron-right': [{ d: 'm6.2 4 4 4-4 4' }],
	'chevron-left': [{ d: 'm9.8 4-4 4 4 4' }],
	'arrow-up': [{ d: 'M8 13V3.2M4 7.2l4-4 4 4' }],
	'arrow-down': [{ d: 'M8 3v9.8M4 8.8l4 4 4-4' }],
	'arrow-right': [{ d: 'M3 8h9.8M8.8 4l4 4-4 4' }],
	copy: [{ d: 'M5.5 5.5h8v8h-8Z' }, { d: 'M10.5 5.2V2.5h-8v8h2.7' }],
	download: [{ d: 'M8 2.5v7.6M4.8 7 8 10.2 11.2 7M2.8 13.2h10.4' }],
	upload: [{ d: 'M8 10.2V2.6M4.8 5.8 8 2.6l3.2 3.2M2.8 13.2h10.4' }],
	external: [{ d: 'M9 2.8h4.2V7M13 3 7.4 8.6M11.5 9v4.2H2.8V4.5H7' }],
	filter: [{ d: 'M2.5 4h11M4.8 8h6.4M6.8 12h2.4' }],
	sort: [{ d: 'M5 12.8V3.4M2.4 6 5 3.4 7.6 6M11 3.2v9.4M8.4 10l2.6 2.6 2.6-2.6' }],
	lock: [{ d: 'M3.5 7.2h9v6.3h-9Z' }, { d: 'M5.4 7V5a2.6 2.6 0 0 1 5.2 0v2' }],
	unlock: [{ d: 'M3.5 7.2h9v6.3h-9Z' }, { d: 'M5.4 7V4.6a2.6 2.6 0 0 1 5-1' }],
	key: [{ d: circle(5.2, 10.8, 2.6) }, { d: 'm7.1 8.9 6-6M10.6 5.4l2 2' }],
	eye: [{ d: 'M1.6 8S4 3.8 8 3.8 14.4 8 14.4 8 12 12.2 8 12.2 1.6 8 1.6 8Z' }, { d: circle(8, 8, 1.8) }],
	'eye-off': [
		{
			d: 'M6 4.2A6 6 0 0 1 8 3.8c4 0 6.4 4.2 6.4 4.2a11 11 0 0 1-1.7 2.2M10.3 11.8a6 6 0 0 1-2.3.4C4 12.2 1.6 8 1.6 8a11 11 0 0 1 2.1-2.6M2.5 2.5l11 11',
		},
	],
	play: [{ d: 'M4.5 2.8v10.4L13 8Z', fill: true }],
	stop: [{ d: 'M3.8 3.8h8.4v8.4H3.8Z', fill: true }],
	pause: [{ d: 'M4 3h2.8v10H4ZM9.2 3H12v10H9.2Z', fill: true }],
	requeue: [{ d: 'M12.9 8.6A5 5 0 1 1 11.6 4.5' }, { d: 'M12.6 1.8v3.4H9.2' }],
	undo: [{ d: 'M3 6.5h6.6a3.4 3.4 0 0 1 0 6.8H6M6 3.4 2.9 6.5 6 9.6' }],
	edit: [{ d: 'M3 13h2.4l7.4-7.4-2.4-2.4L3 10.6Z' }, { d: 'm8.8 4.8 2.4 2.4' }],
	trash: [{ d: 'M2.8 4.4h10.4M6.2 4.2V2.6h3.6v1.6M4.2 4.6l.6 8.8h6.4l.6-8.8' }],
	publish: [{ d: 'M13.8 2.4 2.4 6.8l4.4 2 2.2 4.6Z' }, { d: 'M13.6 2.6 6.9 8.8' }],
	pin: [{ d: 'M6 2.6h4l-.4 4 2 2.2H4.4l2-2.2ZM8 8.8v4.8' }],
	info: [{ d: circle(8, 8, 5.8) }, { d: 'M8 7.4v3.6M8 5h.01' }],
	warning: [{ d: TRIANGLE }, { d: 'M8 6.4v3M8 11.2h.01' }],
	help: [{ d: circle(8, 8, 5.8) }, { d: 'M6.3 6.4A1.8 1.8 0 1 1 8 8.6v.7M8 11.4h.01' }],
	clock: [{ d: circle(8, 8, 5.6) }, { d: 'M8 4.8V8l2.4 1.4' }],
	plug: [{ d: 'M5.8 2.4v3.4M10.2 2.4v3.4M4 5.8h8v2.4a4 4 0 0 1-8 0ZM8 12.4v1.8' }],
	folder: [{ d: 'M2 4h4.4l1.4 1.6H14v7.2H2Z' }],
	follow: [{ d: 'M4.6 3.2 8 6.4l3.4-3.2M4.6 7 8 10.2 11.4 7M3 13.2h10' }],
	wrap: [{ d: 'M2.5 4h11M2.5 8h9a2.2 2.2 0 0 1 0 4.4H8M9.6 10.6 7.8 12.4l1.8 1.8M2.5 12.4h2.4' }],
	erase: [{ d: 'M6.4 13.2 2.6 9.4l6-6.2 4.4 4.4-5.6 5.6ZM6 13.2h7.6M5.6 6.4l4.4 4.4' }],
	tag: [{ d: 'M2.6 2.6h5.2l5.6 5.6-5.2 5.2-5.6-5.6Z' }, { d: circle(5.4, 5.4, 0.9), fill: true }],
	sun: [
		{ d: circle(8, 8, 2.8) },
		{
			d: 'M8 1.6v1.6M8 12.8v1.6M1.6 8h1.6M12.8 8h1.6M3.5 3.5l1.1 1.1M11.4 11.4l1.1 1.1M12.5 3.5l-1.1 1.1M4.6 11.4l-1.1 1.1',
		},
	],
	moon: [{ d: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z' }],
	monitor: [{ d: 'M2 3h12v8H2ZM5.6 13.6h4.8M8 11.2v2.2' }],
	edited: [{ d: TRIANGLE }],
	dot: [{ d: circle(8, 8, 4.2), fill: true }],
} as const satisfies Readonly<Record<string, readonly IconPart[]>>;

/** Every icon there is. */
export type IconName = keyof typeof ICONS;

/** The parts of one icon. */
export function iconParts(name: IconName): readonly IconPart[] {
	return ICONS[name];
}

/** All names, for the gallery and for tests. */
export const ICON_NAMES = Object.keys(ICONS) as readonly IconName[];
