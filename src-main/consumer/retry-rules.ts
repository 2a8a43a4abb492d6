/** Whether and when a failed task is tried again. Pure. */
import type { RetryRule } from '#main/domain/consumer.ts';
import type { TaskException } from '#main/domain/task.ts';

/** A qualified type matches a rule's word whole, or by what follows its last dot. */
export function ruleFor(rules: readonly RetryRule[], exception: TaskException): RetryRule | null {
	const last = exception.type.slice(exception.type.lastIndexOf('.') + 1);
	const matches = (word: string) => word === '*' || word === exception.type || word === last;
	return rules.find((rule) => rule.exceptions.some(matches)) ?? null;
}

/**
 * Milliseconds to wait before the next try, after `tries` retries went before; null: it has failed for good. `chance` is a random
 * number from 0 to 1: jitter takes away up to its share of the delay, so that what failed together does not come back together.
 */
export function retryDelay(
	rules: readonly RetryRule[],
	exception: TaskException,
	tries: number,
	chance: number,
): number | null {
	const rule = ruleFor(rules, exception);
	if (rule === null || tries >= rule.times) return null;
	const delay = Math.min(rule.delayMs * rule.factor ** tries, rule.maxDelayMs);
	return Math.max(0, Math.round(delay * (1 - rule.jitter * chance)));
}
