/**
 * What YAML's plain scalars are, as PyYAML decides it. Its rules are its own: `y` is text and `yes` is not, and `1e5` is text because it
 * has no point. A reader by the book would show text as numbers that the sender never had.
 */
import type { Value } from '#main/domain/value.ts';
import { floatText } from '../python/float.ts';
import { isoText } from '../python/repr-times.ts';
import { DIGIT_LIMIT } from '../python/scan.ts';

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INT = /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$/;
const BASE_60 = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/;
const FLOAT = /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/;
const FLOAT_WORD = /^(?:([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const FLOAT_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const MOMENT =
	/^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?$/;
/** Longer scalars are text: no number that Python prints is as long. */
const LONGEST = DIGIT_LIMIT + 100;

/** The value of a scalar that was written without quotes and without a tag. */
export function plainScalar(text: string): Value {
	if (text.length > LONGEST) return { kind: 'str', value: text };
	if (NULL.test(text)) return { kind: 'none' };
	if (TRUE.test(text) || FALSE.test(text)) return { kind: 'bool', value: TRUE.test(text) };
	return intOf(text) ?? floatOf(text) ?? timeOf(text) ?? { kind: 'str', value: text };
}

/** The value of a scalar with one of YAML's own tags (`int`, `float` …); null where the text does not fit, or the tag is another. */
export function taggedScalar(tag: string, text: string): Value | null {
	switch (tag) {
		case 'str':
			return { kind: 'str', value: text };
		case 'null':
			return { kind: 'none' };
		case 'bool':
			return TRUE.test(text) || FALSE.test(text) ? { kind: 'bool', value: TRUE.test(text) } : null;
		case 'int':
			return intOf(text);
		case 'float': {
			const value = floatOf(text) ?? intOf(text);
			return value?.kind === 'int' ? { kind: 'float', text: `${value.text}.0` } : value;
		}
		case 'timestamp':
			return timeOf(text);
		case 'binary':
			return { kind: 'bytes', base64: Buffer.from(text, 'base64').toString('base64') };
		default:
			return null;
	}
}

function intOf(text: string): Value | null {
	if (text.length > LONGEST) return null;
	const sign = text.startsWith('-') ? -1n : 1n;
	const digits = text.replace(/^[-+]/, '').replaceAll('_', '');
	if (BASE_60.test(text)) {
		const sum = digits.split(':').reduce((total, part) => total * 60n + BigInt(part), 0n);
		return { kind: 'int', text: (sign * sum).toString() };
	}
	if (!INT.test(text) || !/[0-9a-fA-F]$/.test(digits) || digits === '0b' || digits === '0x') return null;
	const octal = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits;
	return { kind: 'int', text: (sign * BigInt(octal)).toString() };
}

function floatOf(text: string): Value | null {
	const word = FLOAT_WORD.exec(text);
	if (word !== null) {
		if (/nan/i.test(text)) return { kind: 'float', text: 'NaN' };
		return { kind: 'float', text: word[1] === '-' ? '-Infinity' : 'Infinity' };
	}
	// The digits as they were written where JSON has the same notation, so that none is lost.
	if (/^-?(?:0|[1-9]\d*)\.\d+(?:[eE][-+]\d+)?$/.test(text)) return { kind: 'float', text };
	const digits = text.replaceAll('_', '');
	if (FLOAT.test(text)) return { kind: 'float', text: floatText(Number(digits)) };
	if (!FLOAT_60.test(text)) return null;
	const sum = digits
		.replace(/^[-+]/, '')
		.split(':')
		.reduce((total, part) => total * 60 + Number(part), 0);
	return { kind: 'float', text: floatText(text.startsWith('-') ? -sum : sum) };
}

function timeOf(text: string): Value | null {
	if (DATE.test(text)) {
		const shown = isoText('date', text);
		return shown === null ? null : { kind: 'opaque', type: 'datetime.date', text: shown };
	}
	const found = MOMENT.exec(text);
	if (found === null) return null;
	const [, year, month, day, hour, minute, second, fraction, zone, sign, offsetHour, offsetMinute] = found;
	const two = (part = '') => part.padStart(2, '0');
	const offset =
		zone === undefined || zone === 'Z' ? (zone ?? '') : `${sign}${two(offsetHour)}:${offsetMinute ?? '00'}`;
	const micro = fraction === undefined || fraction === '' ? '' : `.${fraction.slice(0, 6)}`;
	const iso = `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}${micro}${offset}`;
	const shown = isoText('datetime', iso);
	return shown === null ? null : { kind: 'opaque', type: 'datetime.datetime', text: shown };
}
