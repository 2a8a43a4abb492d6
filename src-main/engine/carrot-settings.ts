/**
 * A site's `CARROT` settings as a person pastes them, JSON or the Python dict itself, read into what its queues ask of a
 * consumer. Pure. Brokers' addresses are compared with the profile's and never taken over, passwords least of all.
 */
import { readJson } from '#main/dialects/json/read.ts';
import { readLiteral } from '#main/dialects/python/read.ts';
import type { BrokerAddress } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { formatBroker, parseBroker } from '#main/profiles/address.ts';

export interface CarrotQueue {
	readonly name: string;
	readonly concurrency: number;
	readonly consumable: boolean;
	/** To declare it with, where it is missing. */
	readonly maxPriority: number | null;
	/** Why this profile cannot take it; null: it can. */
	readonly refusal: string | null;
	/** What of it Warren does otherwise. */
	readonly remarks: readonly string[];
}

const MOST_SLOTS = 64;
/** `x-max-priority` where settings say nothing of arguments. */
const USUAL_PRIORITY = 255;

/** Reads the queues of settings. `invalid-input` says what is wrong and where. */
export function readCarrotSettings(text: string, broker: BrokerAddress): Result<readonly CarrotQueue[]> {
	const root = readDict(text.trim().replace(/^CARROT\s*=\s*/, ''));
	if (!root.ok) return root;
	const queues = entry(root.value, 'queues');
	if (queues === null) {
		const name = entry(root.value, 'name') === null ? null : root.value;
		return name === null
			? fail('invalid-input', 'These settings have no "queues". Paste the whole CARROT dict, or one queue of it.')
			: listOf([name], broker);
	}
	if (queues.kind !== 'list' && queues.kind !== 'tuple') return fail('invalid-input', '"queues" should be a list.');
	if (queues.items.length === 0) return fail('invalid-input', '"queues" is empty.');
	return listOf(queues.items, broker);
}

function listOf(items: readonly Value[], broker: BrokerAddress): Result<readonly CarrotQueue[]> {
	const read: CarrotQueue[] = [];
	for (const [at, item] of items.entries()) {
		const one = readQueue(item, at, broker);
		if (!one.ok) return one;
		const twin = read.some((other) => other.name === one.value.name);
		const refusal = twin ? 'The settings have this name twice; carrot itself uses the first only.' : one.value.refusal;
		read.push({ ...one.value, refusal });
	}
	return ok(read);
}

function readDict(text: string): Result<Value> {
	const json = readJson(text);
	const read = json.ok ? json : readLiteral(text);
	if (!read.ok) {
		const words = `neither JSON (${json.ok ? '' : json.error.message}) nor a Python dict (${read.error.message})`;
		return fail(
			'invalid-input',
			`This is ${words}`,
			read.error.details === undefined ? {} : { details: read.error.details },
		);
	}
	return read.value.kind === 'dict'
		? ok(read.value)
		: fail('invalid-input', 'The CARROT settings are a dict: {"queues": […]}.');
}

function readQueue(value: Value, at: number, broker: BrokerAddress): Result<CarrotQueue> {
	const where = `queues[${at}]`;
	if (value.kind !== 'dict') return fail('invalid-input', `${where} should be a dict with "name" and "host".`);
	const name = entry(value, 'name');
	if (name?.kind !== 'str' || name.value === '') return fail('invalid-input', `${where} has no "name".`);
	if (Buffer.byteLength(name.value) > 255) return fail('invalid-input', `${where}: the name is longer than 255 bytes.`);
	const concurrency = readCount(entry(value, 'concurrency'));
	if (concurrency === null) return fail('invalid-input', `${where}: "concurrency" should be a whole number from 1 on.`);
	const remarks: string[] = [];
	if (concurrency > MOST_SLOTS)
		remarks.push(`${concurrency} at a time is more than one set takes; ${MOST_SLOTS} are saved.`);
	const consumerClass = entry(value, 'consumer_class');
	if (consumerClass?.kind === 'str' && consumerClass.value !== 'carrot.consumer.Consumer') {
		remarks.push(
			`Its consumer class ${consumerClass.value} is not run: header and body keys are the profile's, failure hooks the set's.`,
		);
	}
	if (entry(value, 'exchange_arguments') !== null)
		remarks.push('Its exchange arguments are not taken: Warren declares only what is missing, and carrot’s way.');
	const maxPriority = readArguments(entry(value, 'queue_arguments'), remarks);
	return ok({
		name: name.value,
		concurrency: Math.min(concurrency, MOST_SLOTS),
		consumable: readSwitch(entry(value, 'consumable'), true),
		maxPriority,
		refusal: refusalOf(entry(value, 'host'), broker),
		remarks,
	});
}

function readArguments(given: Value | null, remarks: string[]): number | null {
	if (given === null || given.kind !== 'dict') return USUAL_PRIORITY;
	const priority = entry(given, 'x-max-priority');
	const others = given.entries.flatMap(([key]) =>
		key.kind === 'str' && key.value !== 'x-max-priority' ? [key.value] : [],
	);
	if (others.length > 0)
		remarks.push(`Of its queue arguments Warren declares x-max-priority only; declare ${others.join(', ')} yourself.`);
	const number = priority?.kind === 'int' ? Number(priority.text) : null;
	return number !== null && number >= 1 && number <= 255 ? number : null;
}

/** Whether a queue's host is this profile's broker. */
function refusalOf(host: Value | null, broker: BrokerAddress): string | null {
	if (host === null || broker.kind !== 'amqp') return null;
	const text = host.kind === 'str' ? host.value : host.kind === 'dict' ? dictText(host) : null;
	if (text === null) return 'Its "host" is neither an address nor a dict of one.';
	const parsed = parseBroker(text);
	if (!parsed.ok) return `Its "host" cannot be read: ${parsed.error.message}`;
	const { address } = parsed.value;
	if (address.kind !== 'amqp') return 'Its "host" is no RabbitMQ.';
	const same = address.host === broker.host && address.port === broker.port && address.vhost === broker.vhost;
	if (same) return null;
	const place = formatBroker({ ...address, username: '' });
	return `It is on another broker (${place}). Make a profile for that one and import there.`;
}

function dictText(host: Extract<Value, { readonly kind: 'dict' }>): string {
	const plain = Object.fromEntries(
		host.entries.flatMap(([key, value]) => (key.kind === 'str' ? [[key.value, plainOf(value)] as const] : [])),
	);
	return JSON.stringify(plain);
}

function plainOf(value: Value): string | number | boolean | null {
	switch (value.kind) {
		case 'str':
			return value.value;
		case 'int':
			return Number(value.text);
		case 'bool':
			return value.value;
		default:
			return null;
	}
}

function entry(value: Value, wanted: string): Value | null {
	if (value.kind !== 'dict') return null;
	const found = value.entries.find(([key]) => key.kind === 'str' && key.value === wanted)?.[1];
	return found === undefined || found.kind === 'none' ? null : found;
}

function readCount(value: Value | null): number | null {
	if (value === null) return 1;
	const number = value.kind === 'int' ? Number(value.text) : Number.NaN;
	return Number.isSafeInteger(number) && number >= 1 ? number : null;
}

function readSwitch(value: Value | null, otherwise: boolean): boolean {
	if (value === null) return otherwise;
	return value.kind === 'bool' ? value.value : !(value.kind === 'int' && Number(value.text) === 0);
}
