/** Routes about watching a deployment: collecting its events into history, and how that goes. */
import * as z from 'zod';
import type { BadEventView, MonitorStanding, MonitorStatus } from '#main/domain/monitor.ts';
import { profileName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

export const monitorRoutes = {
	/** Watches for as long as it is open. Keyed by profile. */
	'monitor.run': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: "Collect a deployment's events into history, until it is ended",
		input: z.strictObject({
			profile: profileName,
			keep: z
				.int()
				.min(1)
				.max(10_080)
				.optional()
				.describe('Minutes for which the broker goes on collecting after this has ended (default: it does not)'),
		}),
		item: returns<{ readonly key: string; readonly status: MonitorStatus }>(),
	}),
	'monitor.status': query({
		scope: 'deployment',
		summary: 'How watching goes: events taken, how far behind, gaps',
		input: z.strictObject({ profile: profileName }),
		output: returns<MonitorStanding>(),
	}),
	/** Warren's own decision about itself, so that a read-only profile has it too. `monitor.run` is not bound by it. */
	'monitor.switch': command({
		scope: 'console',
		needs: 'write',
		summary: 'Have windows and served consoles watch a Celery profile, or leave it alone',
		input: z.strictObject({ profile: profileName, to: z.enum(['on', 'off']).describe('on or off') }),
		output: returns<MonitorStanding>(),
		cli: { positional: ['to'] },
	}),
	'monitor.unreadable': query({
		scope: 'deployment',
		summary: 'List events that could not be read, newest first',
		input: z.strictObject({ profile: profileName, limit: z.int().min(1).max(500).default(50) }),
		output: returns<{ readonly items: readonly BadEventView[]; readonly total: number }>(),
	}),
};
