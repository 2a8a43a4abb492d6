/** The arguments of a call from the two values that hold them. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { writeLiteral } from '../python/write.ts';

/** Arguments of a body's two parts; null counts as none. */
export function callOf(args: Value, kwargs: Value): Result<CallArguments> {
	const items = args.kind === 'none' ? [] : args.kind === 'list' || args.kind === 'tuple' ? args.items : null;
	if (items === null) return fail('undecodable', `The positional arguments are a ${args.kind}; they should be a list.`);
	if (kwargs.kind !== 'none' && kwargs.kind !== 'dict') {
		return fail('undecodable', `The keyword arguments are a ${kwargs.kind}; they should be an object.`);
	}
	const entries = kwargs.kind === 'dict' ? kwargs.entries : [];
	const named = entries.map(([key, item]) => [key.kind === 'str' ? key.value : writeLiteral(key), item] as const);
	return ok({ args: items, kwargs: named });
}
