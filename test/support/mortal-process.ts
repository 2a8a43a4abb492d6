/** A process that can be killed at any of its calls: from then on nothing that it calls does anything any more. */

/** What a call of a killed process rejects with. */
export class Killed extends Error {}

/** A process: alive, about to be killed, or dead. */
export interface MortalProcess {
	dead: boolean;
	/** Calls until it is killed; and whether the last one takes effect. Null: it lives on. */
	fuse: { left: number; readonly takesEffect: boolean } | null;
}

/** What a process calls, so that its fuse burns with each call. `between`: what happens before a call is carried out. */
export function mortal<T extends object>(
	target: T,
	process: MortalProcess,
	between: (call: string | symbol, args: readonly unknown[]) => Promise<void> = async () => {},
): T {
	const burn = (): boolean => {
		if (process.dead) throw new Killed();
		if (process.fuse === null) return false;
		process.fuse.left -= 1;
		return process.fuse.left < 0;
	};
	return new Proxy(target, {
		get: (of, property) => {
			const value: unknown = Reflect.get(of, property);
			if (typeof value !== 'function' || property === 'check') return value;
			return async (...args: readonly unknown[]) => {
				const last = burn();
				if (last && process.fuse?.takesEffect !== true) {
					process.dead = true;
					throw new Killed();
				}
				await between(property, args);
				const result: unknown = await Reflect.apply(value, of, args);
				if (last) process.dead = true;
				if (process.dead) throw new Killed();
				return result;
			};
		},
	});
}
