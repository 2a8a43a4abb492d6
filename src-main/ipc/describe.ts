/** A route's fields as data, read from its schema: what the command line's flags and help are made of. */
import * as z from 'zod';
import type { contract, RouteName } from './contract.ts';

export interface FieldSpec {
	/** As the contract spells it. */
	readonly name: string;
	/** `pairs`: an object of texts. */
	readonly kind: 'text' | 'integer' | 'number' | 'switch' | 'choice' | 'list' | 'pairs';
	/** For a person; empty when the schema says nothing. */
	readonly words: string;
	readonly required: boolean;
	/** The value it has when it is left out, as JSON; null when there is none. */
	readonly otherwise: string | null;
	/** For `choice`, and for lists of choices. */
	readonly choices: readonly string[];
}

interface JsonSchema {
	readonly type?: string;
	readonly description?: string;
	readonly default?: unknown;
	readonly enum?: readonly unknown[];
	readonly items?: JsonSchema;
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly required?: readonly string[];
}

/** The fields of a route's input, in the contract's order. */
export function describeFields(route: (typeof contract)[RouteName]): readonly FieldSpec[] {
	const schema = z.toJSONSchema(route.input, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
	return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
		name,
		kind: kindOf(field),
		words: field.description ?? field.items?.description ?? '',
		required: schema.required?.includes(name) === true && field.default === undefined,
		otherwise: field.default === undefined ? null : JSON.stringify(field.default),
		choices: (field.enum ?? field.items?.enum ?? []).map(String),
	}));
}

function kindOf(field: JsonSchema): FieldSpec['kind'] {
	if (field.enum !== undefined) return 'choice';
	switch (field.type) {
		case 'integer':
			return 'integer';
		case 'number':
			return 'number';
		case 'boolean':
			return 'switch';
		case 'array':
			return 'list';
		case 'object':
			return 'pairs';
		default:
			return 'text';
	}
}
