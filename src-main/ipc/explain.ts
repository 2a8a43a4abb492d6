/** Says what is wrong with an input: which field, what it was, and what is allowed. */
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

export interface Explanation {
	/** For a person; at most three problems, then how many more. */
	readonly message: string;
	/** Dotted path of the first problem's field; empty when it is the input itself. */
	readonly field: string;
	readonly problems: readonly { readonly field: string; readonly message: string }[];
}

const TOLD = 3;

/** Puts a schema's complaints into words. `known`: the fields there are, for names that are not among them. */
export function explainIssues(issues: readonly Issue[], known: readonly string[]): Explanation {
	const problems = issues.map((issue) => ({ field: fieldOf(issue), message: sayIssue(issue, known) }));
	const told = problems
		.slice(0, TOLD)
		.map((p) => (p.field === '' ? `The input ${p.message}` : `${p.field}: ${p.message}`));
	const rest = problems.length - told.length;
	const message = rest > 0 ? `${told.join('; ')}; and ${rest} more` : told.join('; ');
	return { message: `${message}.`, field: problems[0]?.field ?? '', problems };
}

function fieldOf(issue: Issue): string {
	const path = issue.path.map(String).join('.');
	if (issue.code !== 'unrecognized_keys') return path;
	const key = issue.keys[0] ?? '';
	return path === '' ? key : `${path}.${key}`;
}

function sayIssue(issue: Issue, known: readonly string[]): string {
	switch (issue.code) {
		case 'invalid_type':
			return issue.message.endsWith('received undefined')
				? `is missing (${kindWords(issue.expected)})`
				: `must be ${kindWords(issue.expected)}`;
		case 'invalid_value':
			return `must be ${oneOf(issue.values.map(String))}`;
		case 'too_small':
			return `must ${sizeWords(issue.origin, Number(issue.minimum), 'least')}`;
		case 'too_big':
			return `must ${sizeWords(issue.origin, Number(issue.maximum), 'most')}`;
		case 'invalid_format':
			return issue.format === 'url' ? 'must be a URL, e.g. https://host/path' : `must be ${trimmed(issue.message)}`;
		case 'unrecognized_keys': {
			const fields = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
			return issue.path.length === 0 ? `there is no such field; ${fields}` : 'there is no such field';
		}
		default:
			return trimmed(issue.message);
	}
}

function kindWords(expected: string): string {
	switch (expected) {
		case 'int':
			return 'a whole number';
		case 'number':
			return 'a number';
		case 'string':
			return 'text';
		case 'boolean':
			return 'true or false';
		case 'array':
			return 'a list';
		case 'object':
		case 'record':
			return 'an object';
		default:
			return expected;
	}
}

function sizeWords(origin: string, size: number, bound: 'least' | 'most'): string {
	if (origin === 'string') {
		if (size === 1 && bound === 'least') return 'not be empty';
		return `have at ${bound} ${size} characters`;
	}
	if (origin === 'array') return `have at ${bound} ${size} ${size === 1 ? 'item' : 'items'}`;
	return `be at ${bound} ${size}`;
}

/** `a, b or c`. */
export function oneOf(values: readonly string[]): string {
	if (values.length <= 1) return values[0] ?? 'nothing';
	return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

function trimmed(message: string): string {
	return message.replace(/\.$/, '');
}
