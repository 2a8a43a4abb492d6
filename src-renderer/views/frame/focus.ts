/** Where the keyboard goes when a form opens. */

/** Attach to a form in a dialog: its first field gets the keyboard, once the dialog has done with placing it. */
export function focusFirst(form: HTMLElement): () => void {
	const timer = setTimeout(() => {
		form.querySelector<HTMLElement>('input:not([disabled]), select:not([disabled]), textarea:not([disabled])')?.focus();
	}, 0);
	return () => clearTimeout(timer);
}
