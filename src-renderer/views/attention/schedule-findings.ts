/** What schedules ask of a person, gravest first. */
import { counted } from '../../components/format.ts';
import type { BookView, ScheduleCounts } from '../../state/engine.ts';
import { BOOK_NAMES } from '../scheduled/words.ts';
import type { Finding } from './finding.ts';

/** A part of the Scheduled view to go to. */
const go = (label: string, part: string): Finding['next'] => ({
	kind: 'go',
	label,
	view: 'scheduled',
	filter: '',
	part,
});

/** Only what is known for sure: a book that was not asked says nothing. */
export function scheduleFindings(counts: ScheduleCounts, books: readonly BookView[]): readonly Finding[] {
	const found: Finding[] = [];
	for (const book of books) {
		const { runner } = book;
		if (book.state.kind !== 'connected' || runner === null || book.schedules === 0 || runner.note === null) continue;
		const nobody = runner.holder === null && !runner.here;
		found.push({
			id: `schedules:runner:${book.book}`,
			icon: 'scheduled',
			tone: 'warning',
			title: nobody
				? `Nobody runs the schedules of ${BOOK_NAMES[book.book]}`
				: `The schedules of ${BOOK_NAMES[book.book]} are held up`,
			reason: runner.note,
			next: go('Look at the schedules', 'all'),
		});
	}
	if (counts.conflict > 0) {
		found.push({
			id: 'schedules:conflict',
			icon: 'state-rejected',
			tone: 'failed',
			title: `${counted(counts.conflict, 'schedule')} changed here and elsewhere`,
			reason: 'Both sides changed the same fields. Nothing is overwritten until somebody chooses.',
			next: go('Choose', 'conflict'),
		});
	}
	if (counts.refused > 0) {
		found.push({
			id: 'schedules:refused',
			icon: 'state-revoked',
			tone: 'failed',
			title: `${counted(counts.refused, 'edit')} of schedules refused`,
			reason: `${counts.refused === 1 ? 'Its book' : 'Their book'} would not have ${counts.refused === 1 ? 'it' : 'them'}, and says why.`,
			next: go('Mend them', 'edited'),
		});
	}
	if (counts.troubled > 0) {
		found.push({
			id: 'schedules:troubled',
			icon: 'state-lost',
			tone: 'warning',
			title: `${counted(counts.troubled, 'schedule')} had runs that were missed, failed or are uncertain`,
			reason: 'In the last day. Each says under Runs what became of its due times, and can be run now.',
			next: go('Look at the runs', 'troubled'),
		});
	}
	for (const book of books) {
		if (book.broken.length === 0) continue;
		found.push({
			id: `schedules:broken:${book.book}`,
			icon: 'warning',
			tone: 'warning',
			title: `${counted(book.broken.length, 'entry', 'entries')} of ${BOOK_NAMES[book.book]} cannot be read`,
			reason: book.broken[0]?.reason ?? '',
			next: go('Look at the schedules', 'all'),
		});
	}
	return found;
}
