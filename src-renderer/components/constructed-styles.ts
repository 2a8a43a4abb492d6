/**
 * Style sheets without `<style>`. Under `style-src 'self'` a browser refuses styles that a script writes into the page, but
 * not those it builds as objects; a library that makes `<style>` elements is given stand-ins that do so.
 */

/**
 * Runs `make` while `document.createElement('style')` gives stand-ins: whatever becomes their text goes into a style sheet
 * of the document, at once and also later. Only `make`'s own synchronous work is affected.
 */
export function withConstructedStyles(page: Document, make: () => void): Disposable {
	const sheets: CSSStyleSheet[] = [];
	const drop = (sheet: CSSStyleSheet): void => {
		page.adoptedStyleSheets = page.adoptedStyleSheets.filter((other) => other !== sheet);
	};
	const create = page.createElement;
	page.createElement = ((name: string, options?: ElementCreationOptions): HTMLElement => {
		if (name.toLowerCase() !== 'style') return create.call(page, name, options);
		const sheet = new CSSStyleSheet();
		sheets.push(sheet);
		page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet];
		const stand = create.call(page, 'span');
		stand.hidden = true;
		let text = '';
		Object.defineProperty(stand, 'textContent', {
			get: () => text,
			set: (next: string) => {
				text = next;
				sheet.replaceSync(next);
			},
		});
		const remove = stand.remove.bind(stand);
		stand.remove = () => {
			drop(sheet);
			remove();
		};
		return stand;
	}) as typeof page.createElement;
	try {
		make();
	} finally {
		// An own property hides the prototype's method; taking it away brings that back.
		Reflect.deleteProperty(page, 'createElement');
	}
	return { [Symbol.dispose]: () => sheets.forEach(drop) };
}
