/**
 * Which workers were told from here to leave a queue. Nobody else knows: a worker that has left a queue names it no more, and so this is
 * kept in the browser, to offer the way back.
 */

export interface Pause {
	readonly queue: string;
	readonly nodes: readonly string[];
}

const KEY = 'warren.paused.';
const MOST = 200;

export class Pauses {
	items: readonly Pause[] = $state.raw([]);
	readonly #profile: string;

	constructor(profile: string) {
		this.#profile = profile;
		this.items = read(profile);
	}

	add(queue: string, nodes: readonly string[]): void {
		if (nodes.length === 0) return;
		const before = this.#nodes(queue);
		this.#put(queue, [...new Set([...before, ...nodes])]);
	}

	remove(queue: string, nodes: readonly string[]): void {
		this.#put(
			queue,
			this.#nodes(queue).filter((one) => !nodes.includes(one)),
		);
	}

	#nodes(queue: string): readonly string[] {
		return this.items.find((one) => one.queue === queue)?.nodes ?? [];
	}

	#put(queue: string, nodes: readonly string[]): void {
		const others = this.items.filter((one) => one.queue !== queue);
		this.items = nodes.length === 0 ? others : [...others, { queue, nodes }].slice(-MOST);
		localStorage.setItem(`${KEY}${this.#profile}`, JSON.stringify(this.items));
	}
}

function read(profile: string): readonly Pause[] {
	try {
		const found: unknown = JSON.parse(localStorage.getItem(`${KEY}${profile}`) ?? '[]');
		return Array.isArray(found) ? found.filter(isPause).slice(-MOST) : [];
	} catch {
		// Somebody else's text under this name is as good as none.
		return [];
	}
}

function isPause(value: unknown): value is Pause {
	if (typeof value !== 'object' || value === null) return false;
	const { queue, nodes } = value as Partial<Record<keyof Pause, unknown>>;
	return typeof queue === 'string' && Array.isArray(nodes) && nodes.every((one) => typeof one === 'string');
}
