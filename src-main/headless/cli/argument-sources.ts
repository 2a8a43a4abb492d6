/** Where the arguments of tasks that are sent again come from, in words. */
import type { ArgumentSource } from '#main/domain/action.ts';
import { count } from './text.ts';

const WORDS: Readonly<Record<ArgumentSource, string>> = {
	given: 'as given here',
	message: 'the kept message',
	worker: 'told by a worker',
	result: 'the extended result',
	event: 'as events printed them, uncut',
};

/** `Arguments: 3 the kept message, 1 the extended result.` Null: there is nothing to say beyond what is usual. */
export function sourceWords(
	sources: readonly { readonly source: ArgumentSource; readonly count: number }[],
): string | null {
	if (sources.every(({ source }) => source === 'message' || source === 'given')) return null;
	return `Arguments: ${sources.map((one) => `${count(one.count)} ${WORDS[one.source]}`).join(', ')}.`;
}
