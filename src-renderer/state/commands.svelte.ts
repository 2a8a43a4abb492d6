/** Everything a person can do, by id: the palette, the keys and the help all read this one list. */

export interface Command {
	/** `noun.verb`, the same for ever: keys and tests name it. */
	readonly id: string;
	readonly label: string;
	readonly group:
		| 'Tasks'
		| 'Schedules'
		| 'Go to'
		| 'Profiles'
		| 'Workers'
		| 'Quarantine'
		| 'Site'
		| 'Reports'
		| 'Window';
	/** As `KeyboardEvent.key` gives it, with `Mod+` (Ctrl or Cmd) and `Shift+` where needed; null: palette only. */
	readonly key: string | null;
	/** Removes or stops something; its key has Shift. */
	readonly destructive?: boolean;
	/** True, or why not, in words. */
	readonly enabled: () => true | string;
	readonly run: () => void;
	/** Also while typing in a field. */
	readonly whileTyping?: boolean;
}

/** The part of a keyboard event that a key depends on. */
export interface KeyPress {
	readonly key: string;
	readonly ctrlKey: boolean;
	readonly metaKey: boolean;
	readonly shiftKey: boolean;
	readonly altKey: boolean;
}

/** The name of a key press in the registry's spelling. Shift counts for letters and named keys, not for signs like `?`. */
export function keyName(press: KeyPress): string {
	const letter = press.key.length === 1;
	const shifted = press.shiftKey && (!letter || press.key.toLowerCase() !== press.key.toUpperCase());
	return [
		press.ctrlKey || press.metaKey ? 'Mod+' : '',
		press.altKey ? 'Alt+' : '',
		shifted ? 'Shift+' : '',
		letter ? press.key.toLowerCase() : press.key,
	].join('');
}

export class Commands {
	#sets: readonly (() => readonly Command[])[] = $state.raw([]);

	/** Adds commands for as long as the result isn't disposed of. Later ones win a key. */
	add(commands: () => readonly Command[]): Disposable {
		this.#sets = [...this.#sets, commands];
		return {
			[Symbol.dispose]: () => {
				this.#sets = this.#sets.filter((set) => set !== commands);
			},
		};
	}

	get all(): readonly Command[] {
		const byId = new Map<string, Command>();
		for (const set of this.#sets) for (const command of set()) byId.set(command.id, command);
		return [...byId.values()];
	}

	/** Carries out what a key stands for; true when there was something, so that the browser leaves it alone. */
	press(press: KeyPress, typing: boolean): boolean {
		const name = keyName(press);
		// A view's own command stands aside while it can't run: what lies over the view is meant then.
		const command = this.all.findLast(
			(each) => each.key === name && (!typing || each.whileTyping === true) && each.enabled() === true,
		);
		if (command === undefined) return false;
		command.run();
		return true;
	}
}

/** Commands that match what was typed, best first: a word's beginning before its middle. */
export function findCommands(commands: readonly Command[], typed: string): readonly Command[] {
	const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
	if (words.length === 0) return commands;
	const scored: { readonly command: Command; readonly score: number }[] = [];
	for (const command of commands) {
		const text = `${command.group} ${command.label}`.toLowerCase();
		let score = 0;
		for (const word of words) {
			const place = text.indexOf(word);
			if (place < 0) {
				score = -1;
				break;
			}
			score += place === 0 || text[place - 1] === ' ' ? 2 : 1;
		}
		if (score > 0) scored.push({ command, score });
	}
	return scored.sort((a, b) => b.score - a.score).map((each) => each.command);
}
