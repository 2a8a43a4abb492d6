/** Fields that several routes share, each with its limits and the words the help shows. */
import * as z from 'zod';
import { TASK_STATES, type TaskState } from '#main/domain/task.ts';

export const profileName = z.string().min(1).max(80).describe('Profile, by name or id');
export const taskIds = z.array(z.string().min(1).max(400)).max(100_000).describe('Task ids');
export const queryText = z.string().max(4_000).describe("Query, e.g. 'state:failed since:2h -queue:bulk'");
export const queueName = z.string().min(1).max(255).describe('Queue');
export const priority = z.int().min(0).max(255).describe('Priority, 0 to 255');
export const literals = z.string().max(1_000_000).describe("Positional arguments as Python literals: 1, 'two', [3]");
export const kwargsJson = z.string().max(1_000_000).describe('Keyword arguments as a JSON object');
export const limit = z.int().min(1).max(500).describe('How many at most');
export const taskState = z.enum(TASK_STATES as [TaskState, ...TaskState[]]);
export const logLevel = z.enum(['debug', 'info', 'warning', 'error', 'critical']);
/** One review's token, from `task.review`. */
export const reviewToken = z.string().min(1).max(100);
