/** CodeMirror set up for JSON in Warren's colours. */
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import {
	type EditorState,
	type Extension,
	RangeSetBuilder,
	StateEffect,
	StateField,
	type TransactionSpec,
} from '@codemirror/state';
import { Decoration, type DecorationSet, drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** What is wrong and where: line and column from 1, offset in UTF-16 units from 0. */
export interface JsonProblem {
	readonly message: string;
	readonly line: number;
	readonly column: number;
	readonly offset: number;
}

const colours = HighlightStyle.define([
	{ tag: tags.propertyName, color: 'var(--ink-2)' },
	{ tag: tags.string, color: 'var(--value-text)' },
	{ tag: tags.number, color: 'var(--value-number)' },
	{ tag: [tags.bool, tags.null], color: 'var(--value-word)' },
	{ tag: [tags.separator, tags.squareBracket, tags.brace], color: 'var(--ink-3)' },
]);

const look = EditorView.theme({
	'&': { color: 'var(--ink)', backgroundColor: 'transparent', fontSize: '12px' },
	'&.cm-focused': { outline: 'none' },
	'.cm-scroller': {
		fontFamily: 'var(--font-mono)',
		fontVariantLigatures: 'none',
		lineHeight: '19px',
		overflow: 'auto',
	},
	'.cm-content': { padding: '5px 0', caretColor: 'var(--accent)', minHeight: 'var(--json-least)' },
	'.cm-gutters': { backgroundColor: 'transparent', color: 'var(--ink-3)', border: 'none', paddingLeft: '4px' },
	'.cm-lineNumbers .cm-gutterElement': { minWidth: '22px', padding: '0 10px 0 4px' },
	'.cm-line': { padding: '0 10px 0 2px' },
	'.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
	'.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
		backgroundColor: 'color-mix(in oklab, var(--accent) 30%, transparent)',
	},
	// Only where the keyboard is: a caret that nobody has put anywhere matches nothing.
	'.cm-matchingBracket': { backgroundColor: 'transparent' },
	'&.cm-focused .cm-matchingBracket': {
		backgroundColor: 'var(--raised-3)',
		outline: '1px solid var(--line-strong)',
	},
	'.cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket': {
		backgroundColor: 'transparent',
		color: 'var(--failed)',
	},
	'.cm-lintRange-error': {
		backgroundImage: 'none',
		textDecoration: 'underline wavy var(--failed)',
		textUnderlineOffset: '3px',
		textDecorationSkipInk: 'none',
	},
	'.cm-lintPoint-error:after': { borderBottomColor: 'var(--failed)' },
	'.cm-wrong-line': { backgroundColor: 'var(--failed-ground)' },
	'.cm-tooltip': {
		border: '1px solid var(--line-strong)',
		borderRadius: '5px',
		backgroundColor: 'var(--overlay)',
		color: 'var(--ink)',
	},
	'.cm-diagnostic-error': { borderLeftColor: 'var(--failed)' },
});

const markLine = StateEffect.define<number | null>();
const wrongLine = StateField.define<DecorationSet>({
	create: () => Decoration.none,
	update(marks, transaction) {
		let next = marks.map(transaction.changes);
		for (const effect of transaction.effects) {
			if (!effect.is(markLine)) continue;
			const builder = new RangeSetBuilder<Decoration>();
			if (effect.value !== null) builder.add(effect.value, effect.value, Decoration.line({ class: 'cm-wrong-line' }));
			next = builder.finish();
		}
		return next;
	},
	provide: (field) => EditorView.decorations.from(field),
});

/**
 * Typing over what is selected. Left to itself Chromium keeps the look of the letters that go by wrapping the new ones into elements
 * with a style of their own, which the content policy refuses, and says so. Composed text stays the browser's.
 */
const typedOver = EditorView.domEventHandlers({
	beforeinput(event, view) {
		const { from, to, empty } = view.state.selection.main;
		const text = event.data;
		if (event.inputType !== 'insertText' || text === null || empty || view.composing || view.state.readOnly)
			return false;
		event.preventDefault();
		const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type' });
		const taken = view.state.facet(EditorView.inputHandler).some((take) => take(view, from, to, text, insert));
		if (!taken) view.dispatch(insert());
		return true;
	},
});

/** Everything but what changes while the editor lives. Tab is left alone, so that the keyboard can leave again. */
export function jsonExtensions(label: string): Extension {
	return [
		lineNumbers(),
		history(),
		drawSelection(),
		indentOnInput(),
		indentUnit.of('  '),
		bracketMatching(),
		closeBrackets(),
		json(),
		syntaxHighlighting(colours),
		look,
		typedOver,
		wrongLine,
		EditorView.lineWrapping,
		EditorView.contentAttributes.of({
			'aria-label': label,
			'aria-multiline': 'true',
			spellcheck: 'false',
			autocapitalize: 'off',
		}),
		keymap.of([...closeBracketsKeymap, ...historyKeymap, ...defaultKeymap]),
	];
}

/** Marks a problem at its place, or takes the marks away. A place beyond the text is its end. */
export function problemTransaction(state: EditorState, problem: JsonProblem | null): readonly TransactionSpec[] {
	if (problem === null) return [setDiagnostics(state, []), { effects: markLine.of(null) }];
	const from = Math.max(0, Math.min(problem.offset, state.doc.length));
	const line = state.doc.lineAt(from);
	const to = from + wordLength(line.text.slice(from - line.from));
	const diagnostic: Diagnostic = { from, to, severity: 'error', message: problem.message };
	return [setDiagnostics(state, [diagnostic]), { effects: markLine.of(line.from) }];
}

/** How far the thing that went wrong reaches: a word, a quoted text, or one sign. */
function wordLength(text: string): number {
	return /^(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[\p{L}\p{N}_.+-]+|\S)/u.exec(text)?.[0].length ?? 0;
}
