/** The terminal's colours, from the page's tokens: xterm wants numbers where CSS has `light-dark(oklch(…), …)`. */

/** The tokens behind the terminal's sixteen colours and its ground. */
const TOKENS = {
	background: '--code',
	foreground: '--ink',
	cursor: '--code',
	cursorAccent: '--code',
	selectionBackground: '--line-strong',
	selectionInactiveBackground: '--line-strong',
	scrollbarSliderBackground: '--line-strong',
	scrollbarSliderHoverBackground: '--line-control',
	scrollbarSliderActiveBackground: '--line-control',
	overviewRulerBorder: '--code',
	black: '--ink-3',
	brightBlack: '--ink-3',
	red: '--failed',
	brightRed: '--failed',
	green: '--succeeded',
	brightGreen: '--succeeded',
	yellow: '--warning',
	brightYellow: '--warning',
	blue: '--running',
	brightBlue: '--running',
	magenta: '--value-word',
	brightMagenta: '--value-word',
	cyan: '--value-number',
	brightCyan: '--value-number',
	white: '--ink-2',
	brightWhite: '--ink',
} as const;

/** Hexadecimal colours by xterm's names. */
export type TerminalTheme = Record<keyof typeof TOKENS, string>;

/** Reads the tokens as they are at an element. */
export function terminalTheme(host: HTMLElement): TerminalTheme {
	const theme = {} as TerminalTheme;
	for (const [name, token] of Object.entries(TOKENS) as [keyof typeof TOKENS, string][])
		theme[name] = tokenColour(token, host);
	return theme;
}

/** A token as `#rrggbb`, as it is at an element. */
export function tokenColour(token: string, host: HTMLElement): string {
	const probe = host.ownerDocument.createElement('span');
	probe.style.color = `var(${token})`;
	host.append(probe);
	const colour = getComputedStyle(probe).color;
	probe.remove();
	return hexColour(colour, host.ownerDocument);
}

/** Any CSS colour as `#rrggbb`, by painting it. */
export function hexColour(colour: string, page: Document): string {
	const canvas = page.createElement('canvas');
	canvas.width = 1;
	canvas.height = 1;
	const paint = canvas.getContext('2d', { willReadFrequently: true });
	if (paint === null) return '#808080';
	paint.fillStyle = colour;
	paint.fillRect(0, 0, 1, 1);
	const [red = 0, green = 0, blue = 0] = paint.getImageData(0, 0, 1, 1).data;
	return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
