/** Dates and times as Python's `repr` prints them, from pickles' packed bytes and from ISO texts. */

/** A point in time or a time of day by its parts; `zone` as `repr` prints it. */
interface Parts {
	readonly date: readonly [year: number, month: number, day: number] | null;
	readonly time: readonly [hour: number, minute: number, second: number, microsecond: number] | null;
	readonly zone: string | null;
	readonly fold: boolean;
}

/** `datetime.datetime(2026, 1, 2, 3, 4)`, with seconds and microseconds only where Python prints them. */
function reprOf(type: 'datetime' | 'date' | 'time', parts: Parts): string {
	const numbers: number[] = [...(parts.date ?? [])];
	if (parts.time !== null) {
		const [hour, minute, second, microsecond] = parts.time;
		numbers.push(hour, minute);
		if (second !== 0 || microsecond !== 0) numbers.push(second);
		if (microsecond !== 0) numbers.push(microsecond);
	}
	const words = numbers.map(String);
	if (parts.zone !== null) words.push(`tzinfo=${parts.zone}`);
	if (parts.fold) words.push('fold=1');
	return `datetime.${type}(${words.join(', ')})`;
}

/** A datetime of a pickle: ten packed bytes and the printed form of its zone. Null where the bytes are none. */
export function packedDatetime(bytes: Uint8Array, zone: string | null): string | null {
	if (bytes.length !== 10) return null;
	const [high, low, third, day, hour, minute, second, us1, us2, us3] = bytes as unknown as readonly number[];
	const month = (third as number) & 0x7f;
	if (month < 1 || month > 12) return null;
	return reprOf('datetime', {
		date: [(high as number) * 256 + (low as number), month, day as number],
		time: [hour as number, minute as number, second as number, micro(us1, us2, us3)],
		zone,
		fold: (third as number) > 0x7f,
	});
}

/** A date of a pickle: four packed bytes. */
export function packedDate(bytes: Uint8Array): string | null {
	if (bytes.length !== 4) return null;
	const [high, low, month, day] = bytes as unknown as readonly number[];
	const year = (high as number) * 256 + (low as number);
	return reprOf('date', { date: [year, month as number, day as number], time: null, zone: null, fold: false });
}

/** A time of day of a pickle: six packed bytes. */
export function packedTime(bytes: Uint8Array, zone: string | null): string | null {
	if (bytes.length !== 6) return null;
	const [first, minute, second, us1, us2, us3] = bytes as unknown as readonly number[];
	const hour = (first as number) & 0x7f;
	return reprOf('time', {
		date: null,
		time: [hour, minute as number, second as number, micro(us1, us2, us3)],
		zone,
		fold: (first as number) > 0x7f,
	});
}

function micro(first = 0, second = 0, third = 0): number {
	return first * 65_536 + second * 256 + third;
}

/** `datetime.timedelta(days=1, seconds=30)`, from days, seconds and microseconds. */
export function timedeltaText(days: bigint, seconds: bigint, microseconds: bigint): string {
	const words: string[] = [];
	if (days !== 0n) words.push(`days=${days}`);
	if (seconds !== 0n) words.push(`seconds=${seconds}`);
	if (microseconds !== 0n) words.push(`microseconds=${microseconds}`);
	return `datetime.timedelta(${words.length === 0 ? '0' : words.join(', ')})`;
}

const ISO =
	/^(?:(\d{4})-(\d\d)-(\d\d))?(?:[T ]?(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?(Z|[+-]\d\d:?\d\d(?::?\d\d)?)?)?$/;

/** The printed form of what an ISO text says; null where it is not one of this type. */
export function isoText(type: 'datetime' | 'date' | 'time', iso: string): string | null {
	const found = iso.length > 60 ? null : ISO.exec(iso);
	if (found === null) return null;
	const [, year, month, day, hour, minute, second, fraction, offset] = found;
	if ((year === undefined) !== (type === 'time')) return null;
	if (type === 'time' && hour === undefined) return null;
	const date = year === undefined ? null : ([Number(year), Number(month), Number(day)] as const);
	const time = [
		Number(hour ?? 0),
		Number(minute ?? 0),
		Number(second ?? 0),
		Number((fraction ?? '0').padEnd(6, '0')),
	] as const;
	return reprOf(type, {
		date,
		time: type === 'date' ? null : time,
		zone: offset === undefined ? null : zoneText(offset),
		fold: false,
	});
}

/** An offset such as `+02:00` as Python prints that zone. */
function zoneText(offset: string): string {
	if (offset === 'Z') return UTC_TEXT;
	const digits = offset.slice(1).replaceAll(':', '').padEnd(6, '0');
	const seconds = Number(digits.slice(0, 2)) * 3_600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4, 6));
	if (seconds === 0) return UTC_TEXT;
	const signed = offset.startsWith('-') ? -seconds : seconds;
	const days = Math.floor(signed / 86_400);
	return `datetime.timezone(${timedeltaText(BigInt(days), BigInt(signed - days * 86_400), 0n)})`;
}

export const UTC_TEXT = 'datetime.timezone.utc';
