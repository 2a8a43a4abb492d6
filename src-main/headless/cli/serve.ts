/** `serve`: prints the console's address and stays until it is told to stop. */
import { fail } from '#main/domain/result.ts';
import { places } from '#main/engine/places.ts';
import { EXIT } from '#main/ipc/codes.ts';
import { VERSION } from '../host.ts';
import { serveConsole } from '../serve.ts';
import { markServed } from '../served.ts';
import { CommandError, type Session } from './session.ts';

/** With `--json` the first line is `{"url": …}`; for a person, Enter prints a fresh address. */
export async function serveCommand(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { port = 0, host = '127.0.0.1' } = given as { readonly port?: number; readonly host?: string };
	if (port < 0 || port > 65_535) throw new CommandError(fail('invalid-input', '--port takes 0 to 65535.').error);
	const served = await serveConsole({
		router: session.host.engine.router,
		build: VERSION,
		actor: session.host.actor,
		renderer: places().renderer,
		host,
		port,
		log: session.host.ports.log,
	});
	if (!served.ok) throw new CommandError(served.error);
	await using server = served.value;
	using _door = markServed(session.host.home, server.origin);
	const stop = Promise.withResolvers<void>();
	using _interrupt = session.io.onInterrupt(() => stop.resolve());
	const url = server.freshUrl();
	if (session.globals.json) session.json({ url });
	else {
		session.say(`Warren is at ${url}`);
		session.note('The address lets one browser in, once. Ctrl+C stops Warren.');
		if (session.io.interactive) void offerAddresses(session, () => server.freshUrl());
	}
	await stop.promise;
	return EXIT.done;
}

async function offerAddresses(session: Session, fresh: () => string): Promise<void> {
	session.note('Enter prints another address.');
	while ((await session.io.readLine()) !== null) session.say(`Warren is at ${fresh()}`);
}
