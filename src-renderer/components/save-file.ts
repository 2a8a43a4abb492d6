/** Hands a file that the page made to the person: a browser saves it, the desktop window asks where. */

/** What may be saved; the desktop window refuses every other ending. */
export type FileKind = 'json' | 'csv' | 'svg' | 'png';

const TYPES: Readonly<Record<FileKind, string>> = {
	json: 'application/json',
	csv: 'text/csv;charset=utf-8',
	svg: 'image/svg+xml',
	png: 'image/png',
};

/** Saves a text or a picture under a name, whose ending follows from its kind. */
export function saveFile(name: string, kind: FileKind, content: string | Blob): void {
	const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: TYPES[kind] }));
	const link = document.createElement('a');
	link.href = url;
	link.download = `${name.replaceAll(/[^\w.-]+/g, '-')}.${kind}`;
	link.click();
	// The browser has taken it by then.
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Paints an SVG picture, twice as dense as it says so that it stays sharp; null where this page cannot. */
export async function pngOf(svg: string, width: number, height: number): Promise<Blob | null> {
	const image = new Image();
	// The content policy lets pictures in as data, not as blobs.
	image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
	try {
		await image.decode();
	} catch {
		return null;
	}
	const canvas = document.createElement('canvas');
	canvas.width = width * 2;
	canvas.height = height * 2;
	const paint = canvas.getContext('2d');
	if (paint === null) return null;
	paint.scale(2, 2);
	paint.drawImage(image, 0, 0, width, height);
	return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}
