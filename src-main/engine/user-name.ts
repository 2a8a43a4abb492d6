/** The system's name of whoever runs this process. */
import { userInfo } from 'node:os';

/** A user id without a name has only the id. */
export function userName(): string {
	try {
		return userInfo().username;
	} catch {
		// The system throws for an id that nobody gave a name.
		return `uid ${process.getuid?.() ?? 'unknown'}`;
	}
}

/** Who sends what is published here, for frameworks that say so in their messages. */
export function sender(): string {
	return `console@${userName()}`;
}
