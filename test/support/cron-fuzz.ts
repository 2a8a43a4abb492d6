/**
 * Throws cron expressions at their reader, in a process of its own with little memory: `node --max-old-space-size=64 cron-fuzz.ts SEED
 * COUNT`. Prints one line of JSON at the end; a wrong answer, a crash or a hang is for whoever started it to see.
 */
import { nextCron, readCron } from '#main/scheduler/cron.ts';
import { checkTiming, nextDue, shortestInterval, upcoming } from '#main/scheduler/recurrence.ts';
import { describeCron } from '#main/scheduler/words.ts';
import { ZONES } from './zones.ts';

const [seed = '1', count = '1000'] = process.argv.slice(2);
let state = Number(seed) >>> 0;

/** Mulberry32: small, and the same everywhere. */
function random(): number {
	state = (state + 0x6d2b79f5) >>> 0;
	let mixed = Math.imul(state ^ (state >>> 15), state | 1);
	mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
	return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
}
const below = (limit: number) => Math.floor(random() * limit);
const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
const many = (most: number, make: () => string, joint = '') =>
	Array.from({ length: 1 + below(most) }, make).join(joint);

const HUGE = [
	'0',
	'00',
	'59',
	'60',
	'-1',
	'999999999',
	'2147483648',
	'9007199254740993',
	'1e9',
	'0x10',
	`${'9'.repeat(60)}`,
];
const ODD = ['é', '٣', '*', '\u202e', '\ud800', '💣', '\u0000', ' ', '\u2028', 'ﬁ', '１', '𝟗'];
const SIGNS = ['*', '/', '-', ',', '#', 'L', 'W', 'LW', '?', '+', '@', '(', ')', '\\', '%', 'H', '~', '..'];
const NAMES = ['MON', 'sun', 'JAN', 'december', 'FRI-MON', 'MONTUE', 'jan-'];

const sound = (low: number, high: number): string => {
	const one = () => String(low + below(high - low + 1));
	const range = () => {
		const [a, b] = [low + below(high - low + 1), low + below(high - low + 1)];
		return `${Math.min(a, b)}-${Math.max(a, b)}`;
	};
	return pick([
		() => '*',
		one,
		range,
		() => `*/${1 + below(high)}`,
		() => `${range()}/${1 + below(9)}`,
		() => many(12, one, ','),
	])();
};
const strange = (): string =>
	pick([() => pick(HUGE), () => pick(ODD), () => pick(SIGNS), () => pick(NAMES), () => String(below(70))])();

const makers: readonly (() => string)[] = [
	() => [sound(0, 59), sound(0, 23), sound(1, 31), sound(1, 12), sound(0, 7)].join(' '),
	() => [sound(0, 59), sound(0, 59), sound(0, 23), sound(1, 31), sound(1, 12), sound(0, 7)].join(' '),
	// Dates that are few or never.
	() =>
		`${sound(0, 59)} ${sound(0, 23)} ${pick(['29', '30', '31', '31W', 'L'])} ${pick(['2', '2,4', '4,6,9,11', '*'])} ${pick(['*', '+1', '+0#5', '5L'])}`,
	() => Array.from({ length: 4 + below(4) }, () => many(4, strange)).join(pick([' ', '  ', '\t', '\u00a0', '\n'])),
	() => many(60, strange),
	// As long as is allowed, and much longer.
	() => `${many(90, () => String(below(60)), ',')} * * * *`.slice(0, 200),
	() => `*/${'1'.repeat(below(190))} * * * *`,
	() => `${'*,'.repeat(below(3_000))}* * * * *`,
	() => `@${pick(['daily', 'hourly', 'reboot', 'every 5s', 'yearly', ''])}${many(3, strange)}`,
	() => `${' '.repeat(below(5_000))}* * * * *`,
];

/** From 1970 to 2200. */
const moment = () => Math.floor(random() * 7_258_118_400_000);
let taken = 0;
let refused = 0;
let never = 0;

for (let n = 0; n < Number(count); n += 1) {
	const text = pick(makers)();
	const words = describeCron(text);
	if (words.length > 10 * text.length + 200) throw new Error(`Too many words for ${JSON.stringify(text)}`);
	const rule = readCron(text);
	const zone = pick(ZONES);
	const timing = {
		recurrence: { kind: 'cron', expression: text },
		zone,
		startAt: null,
		endAt: null,
		jitterMs: 0,
	} as const;
	if (checkTiming(timing).ok !== rule.ok) throw new Error(`Two minds about ${JSON.stringify(text)}`);
	const after = moment();
	const facts = { lastRunAt: null, createdAt: 0 };
	if (!rule.ok) {
		if (nextDue(timing, after, facts) !== null) throw new Error(`Refused and due: ${JSON.stringify(text)}`);
		if (rule.error.code !== 'invalid-input' || rule.error.message.length > 1_000)
			throw new Error('A refusal without sense');
		refused += 1;
		continue;
	}
	taken += 1;
	const due = nextCron(rule.value, zone, after);
	if (due === null) never += 1;
	else if (due <= after || due % 1_000 !== 0)
		throw new Error(`${JSON.stringify(text)} after ${after} in ${zone}: ${due}`);
	let last = after;
	for (const { at } of upcoming(timing, after, 5, facts)) {
		if (at <= last) throw new Error(`${JSON.stringify(text)} goes back from ${last} to ${at}`);
		last = at;
	}
	if (n % 50 === 0) shortestInterval(timing);
}
console.log(JSON.stringify({ taken, refused, never, rssMiB: Math.round(process.resourceUsage().maxRSS / 1_024) }));
