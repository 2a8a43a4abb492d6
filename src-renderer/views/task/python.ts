/** Values written as Python source, for copying into a shell. Only what Python itself would read back as the same value. */
import type { CallArguments, Value } from '#main/domain/value.ts';

/** A call: `shop.tasks.pay(1, 'x', user={'id': 42})`. */
export function pythonCall(name: string, call: CallArguments): string {
	const plain = call.kwargs.every(([key]) => /^[A-Za-z_]\w*$/.test(key));
	const parts = call.args.map(pythonValue);
	if (plain) parts.push(...call.kwargs.map(([key, value]) => `${key}=${pythonValue(value)}`));
	else {
		const entries = call.kwargs.map(([key, value]) => `${pythonText(key)}: ${pythonValue(value)}`);
		parts.push(`**{${entries.join(', ')}}`);
	}
	return `${name}(${parts.join(', ')})`;
}

/** One value. What can't be written as a literal becomes its printed form in angle brackets, which Python refuses. */
export function pythonValue(value: Value): string {
	switch (value.kind) {
		case 'none':
			return 'None';
		case 'bool':
			return value.value ? 'True' : 'False';
		case 'int':
			return value.text;
		case 'float':
			return /^-?(?:NaN|Infinity)$/.test(value.text)
				? `float('${value.text.replace('Infinity', 'inf').replace('NaN', 'nan')}')`
				: value.text;
		case 'str':
			return pythonText(value.value);
		case 'bytes':
			return pythonBytes(value.base64);
		case 'list':
			return `[${value.items.map(pythonValue).join(', ')}]`;
		case 'tuple':
			return value.items.length === 1
				? `(${value.items.map(pythonValue).join('')},)`
				: `(${value.items.map(pythonValue).join(', ')})`;
		case 'set':
			return value.items.length === 0 ? 'set()' : `{${value.items.map(pythonValue).join(', ')}}`;
		case 'frozenset':
			return `frozenset([${value.items.map(pythonValue).join(', ')}])`;
		case 'dict':
			return `{${value.entries.map(([key, item]) => `${pythonValue(key)}: ${pythonValue(item)}`).join(', ')}}`;
		case 'opaque':
			return `<${value.type}: ${value.text}>`;
	}
}

/** A string in quotes; what can't be seen is escaped, so that the copy shows what it holds. */
export function pythonText(text: string): string {
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	let out = '';
	for (const point of text) {
		const code = point.codePointAt(0) ?? 0;
		if (point === '\\' || point === quote) out += `\\${point}`;
		else if (point === '\n') out += '\\n';
		else if (point === '\r') out += '\\r';
		else if (point === '\t') out += '\\t';
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) out += `\\x${code.toString(16).padStart(2, '0')}`;
		else if (/[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(point))
			out += code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
		else out += point;
	}
	return `${quote}${out}${quote}`;
}

function pythonBytes(base64: string): string {
	let out = '';
	for (const letter of atob(base64)) {
		const code = letter.charCodeAt(0);
		if (letter === '\\' || letter === "'") out += `\\${letter}`;
		else if (code >= 0x20 && code < 0x7f) out += letter;
		else out += `\\x${code.toString(16).padStart(2, '0')}`;
	}
	return `b'${out}'`;
}
