/** Connections to a RabbitMQ that come back, one for each purpose: its own tools show which is which. */
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import { Session } from '../session.ts';
import { dial, type Link } from './link.ts';
import { type AmqpAddress, connectProblem, unreachable } from './problems.ts';

export interface RabbitOptions {
	readonly address: AmqpAddress;
	/** Asked for at each connect; null: none was given. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** How Warren's connections are called in RabbitMQ's own tools. */
	readonly clientName: string;
}

/** A session of its own for one purpose, which is added to its name. */
export function rabbitSession(options: RabbitOptions, purpose: string): Session<Link> {
	const { address } = options;
	const name = `${options.clientName}${purpose}`;
	return new Session<Link>({
		...options,
		name,
		dial: (password, signal) => dial({ address, password, name, signal }),
		problem: (error) => connectProblem(error, address),
		unreachable,
	});
}
