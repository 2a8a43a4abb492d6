/** Connections to a Redis that come back, one for each purpose: its own tools show which is which. */
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { RedisAddress } from '../../domain/profile.ts';
import { Session } from '../session.ts';
import { dial, type Link } from './link.ts';
import { connectProblem, unreachable } from './problems.ts';

/** How long Redis may take for an answer, in ms. */
const PATIENCE = 20_000;

export interface RedisSessionOptions {
	readonly address: RedisAddress;
	/** Asked for at each connect; null: none was given. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** How Warren's connections are called in Redis's own tools, which see its blanks as dashes. */
	readonly clientName: string;
	/** How long an answer may take, in ms; 20 s by default. */
	readonly patience?: number;
}

/** A session of its own for one purpose, which is added to its name. */
export function redisSession(options: RedisSessionOptions, purpose: string): Session<Link> {
	const { address, clock, patience = PATIENCE } = options;
	const name = `${options.clientName}${purpose}`;
	return new Session<Link>({
		...options,
		name,
		dial: (password, signal) => dial({ address, password, name, signal, clock, patience }),
		problem: (error) => connectProblem(error, address),
		unreachable,
	});
}
