/** A schedule as a person writes it, for whoever fills it in and whoever reads it. */
import * as z from 'zod';
import { priority } from './fields.ts';

/** A moment as a person writes it. */
export const time = z.string().min(1).max(100);
const text = z.string().max(1_000_000);

/**
 * A schedule as a person writes it: what is left out stays, or has its default. Times are `2026-12-24T18:00` in the schedule's zone,
 * or with an offset, or epoch ms; `never` (or an empty text) takes a bound away.
 */
export const draft = {
	task: z.string().min(1).max(1_000).optional().describe('Dotted path of the task'),
	queue: z
		.string()
		.max(255)
		.optional()
		.describe("Queue; RedBeat: '' (the default there) leaves it to Celery's routing"),
	every: z.string().min(1).max(100).optional().describe("Interval, e.g. '5 seconds'"),
	cron: z.string().min(1).max(200).optional().describe('Cron expression: five fields, or six with seconds first'),
	at: time.optional().describe('Once, e.g. 2026-12-24T18:00 in the zone'),
	align: z
		.enum(['clock', 'last-run'])
		.optional()
		.describe('Intervals run on a grid of the wall clock (default), or so long after the last run'),
	zone: z.string().min(1).max(100).optional().describe('Time zone, e.g. Europe/London (default: UTC)'),
	start: z.string().max(100).optional().describe('No run before this time; never: no bound'),
	end: z.string().max(100).optional().describe('No run at or after this time; never: no bound'),
	jitter: z.string().max(40).optional().describe('Run up to this much later, e.g. 30s; 0: on time'),
	missed: z
		.string()
		.regex(/^(skip|once|all(:\d{1,4})?)$/, 'skip, once, all or all:N')
		.optional()
		.describe('Runs missed while nobody was there: skip, once (default), all, or all:N for the newest N'),
	args: text.optional().describe("Positional arguments as Python literals or a JSON array: 1, 'two', [3]"),
	kwargs: text.optional().describe('Keyword arguments as a JSON object'),
	options: text
		.optional()
		.describe('RedBeat: further options of apply_async as a JSON object, e.g. \'{"expires": 60}\''),
	exchange: z.string().max(255).optional().describe('Exchange (default: the default exchange)'),
	routingKey: z.string().max(255).optional().describe("Routing key (default: the queue's name)"),
	priority: priority.optional(),
	noPriority: z.boolean().optional().describe("The book's own default priority"),
	description: z.string().max(4_000).optional().describe('What it is for'),
};

/** What `schedule.add`, `edit` and `preview` take, for those who fill it in. */
export type ScheduleDraft = { readonly [K in keyof typeof draft]?: z.input<(typeof draft)[K]> };
