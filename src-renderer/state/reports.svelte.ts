/** Reports of one profile, as they are asked for. What is shown stays until its successor is there. */
import type { Report, ReportName } from '#main/domain/report.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Engine } from './engine.ts';
import { askedQuery, type ReportAsked } from './report-asked.ts';

/** What one report was asked, ready for the engine. */
interface Question {
	readonly name: ReportName;
	readonly asked: ReportAsked;
	readonly query: string;
}

/** This machine's zone, whose hours and days count. */
export function ownZone(): string {
	return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** One report on the screen. */
export class ReportReading {
	report: Report | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	/** When it was computed, which may be a while ago where the profile keeps reports; epoch ms. */
	at: number | null = $state(null);
	busy = $state(false);
	readonly #engine: Engine;
	readonly #profile: string;
	#question: Question | null = null;
	#turn = 0;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	/** Asks, unless the same was asked already. A report of another name takes the old one off the screen. */
	ask(name: ReportName, asked: ReportAsked, typed: string, task: string | null = null): void {
		const query = askedQuery(asked, typed, task);
		const before = this.#question;
		if (before !== null && JSON.stringify(before) === JSON.stringify({ name, asked, query })) return;
		this.#question = { name, asked, query };
		if (before?.name !== name) this.report = null;
		void this.#read(false);
	}

	/** Computes it anew. */
	again(): Promise<void> {
		return this.#read(true);
	}

	async #read(fresh: boolean): Promise<void> {
		const question = this.#question;
		if (question === null) return;
		this.#turn += 1;
		const turn = this.#turn;
		this.busy = true;
		const { since, until, bucket, top, compatible } = question.asked;
		const answer = await this.#engine.call('report.show', {
			profile: this.#profile,
			name: question.name,
			since,
			until,
			bucket,
			top,
			compatible,
			zone: ownZone(),
			query: question.query,
			...(fresh ? { fresh } : {}),
		});
		if (turn !== this.#turn) return;
		this.busy = false;
		this.error = answer.ok ? null : answer.error;
		if (!answer.ok) return;
		this.report = answer.value;
		this.at = answer.value.computedAt;
	}

	/** The field that the engine refused, where it was one of the form's. */
	refused(field: string): string | null {
		const { error } = this;
		if (error === null || error.code !== 'invalid-input') return null;
		const said = (error.details as { readonly field?: unknown } | undefined)?.field;
		return said === field ? error.message.replace(/^\w+: /, '') : null;
	}
}

/** Values of a field that history knows, the most frequent first. */
export async function knownValues(
	engine: Engine,
	profile: string,
	field: 'queue' | 'worker',
): Promise<readonly string[]> {
	const query = `${field}:`;
	const answer = await engine.call('query.suggest', { profile, query, at: query.length, within: '' });
	if (!answer.ok) return [];
	return answer.value.items.filter((item) => !item.open).map((item) => plain(item.text.trim(), field));
}

/** A suggestion as the value itself. */
function plain(text: string, field: string): string {
	const value = text.startsWith(`${field}:`) ? text.slice(field.length + 1) : text;
	return value.startsWith('"') && value.endsWith('"') && value.length > 1
		? value.slice(1, -1).replaceAll(/\\(["\\])/g, '$1')
		: value;
}
