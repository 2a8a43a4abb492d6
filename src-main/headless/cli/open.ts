/** `open LINK`: to the console that is being served from this home. */
import { spawn } from 'node:child_process';
import { parseLink } from '#main/domain/link.ts';
import { fail } from '#main/domain/result.ts';
import { EXIT } from '#main/ipc/codes.ts';
import { servedOrigin } from '../served.ts';
import { CommandError, type Session } from './session.ts';

/** How each system opens an address; none of them goes through a shell, which could find commands in it. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
	darwin: ['open'],
	win32: ['rundll32', 'url.dll,FileProtocolHandler'],
	linux: ['xdg-open'],
};

/** Opens the system's browser for a person; otherwise (in a pipe, with `--json`) only says the address. */
export async function openCommand(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const link = parseLink(String(given.link ?? ''));
	if (!link.ok) throw new CommandError(link.error);
	const { profile, hash } = link.value;
	await session.call('profile.show', { name: profile });
	const origin = await servedOrigin(session.host.home);
	if (origin === null) {
		const words =
			'No console is being served from this home. Start one with "warren serve" and open the link again; where Warren is installed as an application, the system opens the link itself.';
		throw new CommandError(fail('not-found', words).error);
	}
	const url = `${origin}/${hash}`;
	const opened = session.io.interactive && !session.globals.json && (await openInBrowser(url));
	if (session.globals.json) session.json({ url, opened });
	else {
		session.say(opened ? `Opened ${url}` : url);
		session.note(
			'The browser that was let into the console shows it. Another one needs an address that "serve" prints.',
		);
	}
	return EXIT.done;
}

function openInBrowser(url: string): Promise<boolean> {
	const [program, ...words] = OPENERS[process.platform] ?? ['xdg-open'];
	return new Promise((resolve) => {
		const child = spawn(program, [...words, url], { stdio: 'ignore', detached: true });
		child.once('error', () => resolve(false));
		child.once('spawn', () => {
			child.unref();
			resolve(true);
		});
	});
}
