/** What ends the reading of a queue message by message, in words. */
import { fail, type Result } from '../../domain/result.ts';
import type { Link } from './link.ts';
import { channelFailure, replyCode } from './problems.ts';

/** A broker that says nothing at all, not even that it is busy. What it had handed out goes back when the channel ends. */
export class SilentBroker extends Error {}

/** The failure of going through a queue; `doing` begins a sentence about it. `link` null: there was none. */
export function queueFailure(error: unknown, queue: string, link: Link | null, doing: string): Result<never> {
	if (error instanceof SilentBroker) {
		return fail('timeout', `RabbitMQ did not answer in time about "${queue}".`, { details: { outcome: 'unknown' } });
	}
	if (replyCode(error) === 404) return fail('not-found', `There is no queue "${queue}" on this virtual host.`);
	// A stream answers by ending the whole connection (540), which only the connection's own error tells.
	const said = link === null || link.alive() ? error : (link.failure() ?? error);
	return channelFailure(said, `${doing} "${queue}"`);
}
