/** Where in a text something is, as editors say it. */

/** Line and column, both from 1, of a UTF-16 offset; `\r\n`, `\r` and `\n` end lines. Linear, without garbage. */
export function positionAt(text: string, offset: number): { readonly line: number; readonly column: number } {
	let line = 1;
	let start = 0;
	for (let at = 0; at < offset; at += 1) {
		const code = text.charCodeAt(at);
		if (code !== 0x0a && code !== 0x0d) continue;
		if (code === 0x0d && at + 1 < offset && text.charCodeAt(at + 1) === 0x0a) continue;
		line += 1;
		start = at + 1;
	}
	return { line, column: offset - start + 1 };
}
