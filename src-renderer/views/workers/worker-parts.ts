/** The parts of a worker that it is asked about when somebody opens them. */
import type { InspectMethod } from '#main/domain/worker-methods.ts';

export const WORKER_PARTS = [
	{ id: 'active', label: 'Active', none: 'It runs nothing.' },
	{ id: 'reserved', label: 'Reserved', none: 'It holds nothing that it has not begun.' },
	{ id: 'scheduled', label: 'Scheduled', none: 'It holds nothing for later.' },
	{ id: 'registered', label: 'Registered', none: 'It knows no task.' },
	{ id: 'active_queues', label: 'Queues', none: 'It takes from no queue.' },
	{ id: 'revoked', label: 'Revoked', none: 'It keeps no revoked id.' },
	{ id: 'stats', label: 'Stats', none: 'It said nothing.' },
] as const satisfies readonly { readonly id: InspectMethod; readonly label: string; readonly none: string }[];

export type WorkerPart = (typeof WORKER_PARTS)[number]['id'];
