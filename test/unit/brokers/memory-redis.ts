/** As much of Redis as consuming needs, in memory. Its scripts are written anew here: they do what those in `scripts.ts` say. */
import { createHash } from 'node:crypto';

type Argument = string | number | Buffer;

export function memoryRedis(now: () => number) {
	const lists = new Map<string, Buffer[]>();
	const hashes = new Map<string, Map<string, Buffer>>();
	const sets = new Map<string, Set<string>>();
	const scores = new Map<string, Map<string, number>>();
	const expires = new Map<string, number>();
	const at = <V>(map: Map<string, V>, key: string, make: () => V): V => {
		const known = map.get(key) ?? make();
		map.set(key, known);
		return known;
	};
	const list = (key: string) => at(lists, key, () => []);
	const hash = (key: string) => at(hashes, key, () => new Map());
	const set = (key: string) => at(sets, key, () => new Set());
	const score = (key: string) => at(scores, key, () => new Map());
	const lives = (key: string) => (expires.get(key) ?? 0) > now();
	const forget = (names: readonly string[], tag: string) => {
		const [unacked, index, held, aside] = names as [string, string, string, string];
		const had = Number(hash(unacked).delete(tag)) + Number(hash(aside).delete(tag));
		score(index).delete(tag);
		hash(held).delete(tag);
		return had;
	};
	return {
		bind: (key: string, member: string) => void set(key).add(member),
		publish(queue: string, id: string) {
			const properties = { correlation_id: id, delivery_tag: id, delivery_info: {}, body_encoding: 'base64' };
			const envelope = { body: '', headers: {}, properties, 'content-type': 'text/plain', 'content-encoding': 'utf-8' };
			list(queue).unshift(Buffer.from(JSON.stringify(envelope)));
		},
		/** All sessions have shown no sign of life for too long. */
		lapse: () => expires.clear(),
		/** How many messages wait or are written down as held. */
		left: () =>
			[...lists.values(), ...[...hashes.values()].map((one) => [...one])].reduce((sum, one) => sum + one.length, 0),
		where: () =>
			[...lists, ...[...hashes].map(([key, one]) => [key, [...one]] as const)]
				.map(([key, one]) => `${key} ${one.length}`)
				.join(', '),
		command([name, ...args]: readonly Argument[]): unknown {
			const [key = '', ...rest] = args.map(String);
			switch (name) {
				case 'SET':
					return expires.set(key, now() + Number(rest[2]));
				case 'PEXPIRE':
					if (!lives(key)) return 0;
					expires.set(key, now() + Number(rest[0]));
					return 1;
				case 'EXISTS':
					return lives(key) ? 1 : 0;
				case 'DEL':
					return Number(expires.delete(key));
				case 'SADD':
					return set(key).add(rest[0] ?? '').size;
				case 'SREM':
					return Number(set(key).delete(rest[0] ?? ''));
				case 'SMEMBERS':
					return [...set(key)].map((one) => Buffer.from(one));
				case 'SISMEMBER':
					return Number(set(key).has(rest[0] ?? ''));
				case 'SCAN':
					return [
						Buffer.from('0'),
						[...sets.keys()].filter((one) => one.includes('binding')).map((one) => Buffer.from(one)),
					];
				case 'SSCAN':
					return [Buffer.from('0'), [...set(key)].map((one) => Buffer.from(one))];
				case 'LLEN':
					return list(key).length;
				case 'HKEYS':
					return [...hash(key).keys()].map((one) => Buffer.from(one));
				case 'HGET':
					return hash(key).get(rest[0] ?? '') ?? null;
				case 'ZADD':
					return 0;
			}
			throw new Error(`This Redis does not know ${name}.`);
		},
		script(name: string, names: readonly string[], args: readonly Argument[]): unknown {
			const [unacked = '', index = '', held = '', aside = ''] = names;
			if (name === 'settle') return args.map((tag) => forget(names, String(tag)));
			if (name === 'give back') {
				const [tag, digest, entry] = [String(args[0]), args[1], args[2] as Buffer];
				const raw = hash(unacked).get(tag) ?? hash(aside).get(tag);
				if (raw === undefined || createHash('sha1').update(raw).digest('hex') !== digest) return 0;
				for (const one of names.slice(4)) list(one).push(Buffer.from(entry));
				forget(names, tag);
				return 1;
			}
			if (name !== 'take') throw new Error(`This Redis does not know the script "${name}".`);
			if (!lives(names[4] ?? '')) return null;
			const out: Buffer[] = [];
			const tail = String(args[5]);
			for (const key of names.slice(5)) {
				while (out.length / 2 < Number(args[0])) {
					const raw = list(key).pop();
					if (raw === undefined) break;
					const tag = `${args[2]}${Number(args[3]) + out.length / 2}`;
					hash(unacked).set(tag, Buffer.concat([Buffer.from('['), raw, Buffer.from(tail)]));
					score(index).set(tag, Number(args[4]));
					hash(held).set(tag, Buffer.from(`${tail.length}:${key}`));
					out.push(Buffer.from(tag), raw);
				}
			}
			return out;
		},
	};
}
