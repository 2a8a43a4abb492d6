/** Which of Python's values JSON can say. */
import type { Value } from '#main/domain/value.ts';

/** Whether JSON can say a value so that it comes back the same: no bytes, sets, tuples or objects anywhere, and only texts for keys. */
export function isJson(value: Value): boolean {
	switch (value.kind) {
		case 'none':
		case 'bool':
		case 'int':
		case 'float':
		case 'str':
			return true;
		case 'list':
			return value.items.every(isJson);
		case 'dict':
			return value.entries.every(([key, item]) => key.kind === 'str' && isJson(item));
		default:
			return false;
	}
}
