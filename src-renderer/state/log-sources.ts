/** Where logs come from: an attempt's from the store, anything else from lines that are here already. */
import { isFrom, readLogSearch } from '#main/domain/log-search.ts';
import type { LogLine } from '#main/domain/task.ts';
import type { Answer, Engine } from './engine.ts';
import type { LogSource, NumberedLine } from './log-reader.svelte.ts';

/** The log of an attempt, as it is stored. */
export function attemptLog(engine: Engine, profile: string, attempt: number): LogSource {
	const linesOf = (answer: Answer<{ readonly lines: readonly NumberedLine[] }>): Answer<readonly NumberedLine[]> =>
		answer.ok ? { ok: true, value: answer.value.lines } : answer;
	return {
		find: (afterSeq, level, search) => engine.call('task.find', { profile, attempt, afterSeq, level, search }),
		range: async (from, limit) =>
			linesOf(await engine.call('task.log', { profile, attempt, afterSeq: from - 1, limit })),
		lines: async (seqs) => linesOf(await engine.call('task.lines', { profile, attempt, seqs: [...seqs] })),
	};
}

/** Lines that were read as a whole. */
export function givenLog(given: readonly LogLine[]): LogSource {
	const lines = given.map((line, seq) => ({ ...line, seq }));
	return {
		async find(after, level, typed) {
			const search = readLogSearch(typed);
			if (!search.ok) return { ok: false, error: { ...search.error, ref: '' } };
			const seqs: number[] = [];
			for (const line of lines) {
				if (line.seq > after && isFrom(line, level) && (search.value?.test(line) ?? true)) seqs.push(line.seq);
			}
			return { ok: true, value: { seqs, seen: lines.length - 1, lines: lines.length, done: true } };
		},
		range: async (from, count) => ({ ok: true, value: lines.slice(from, from + count) }),
		lines: async (seqs) => ({ ok: true, value: seqs.flatMap((seq) => lines[seq] ?? []) }),
	};
}
