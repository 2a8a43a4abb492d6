/**
 * Where a dead letter came from, by the headers that RabbitMQ keeps (`x-death`, newest first, one entry per queue and reason). Its
 * counts and first-death headers are known to go wrong in some versions, so nothing here rests on them: a message that died in several
 * queues says so, and nobody guesses which was meant.
 */
import type { FieldTable, FieldValue, MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import type { DeathOrigin } from '#main/domain/waiting.ts';

const DEATH_HEADERS = /^x-(?:death|(?:first|last)-death-(?:exchange|queue|reason)|delivery-count|acquired-count)$/;

/** Null: it is no dead letter. `here`: the queue it lies in, whose own deaths do not count. */
export function deathOrigin({ headers }: MessageProperties, here: string): DeathOrigin | null {
	const deaths = headers?.find(([name]) => name === 'x-death')?.[1];
	if (deaths?.type !== 'array') return null;
	const read = deaths.items.flatMap((item) => (item.type === 'table' ? [deathOf(item.fields)] : []));
	const elsewhere = read.filter((death) => death !== null && death.queue !== here) as readonly Death[];
	const [newest] = elsewhere;
	if (newest === undefined) return null;
	const others = [...new Set(elsewhere.map((death) => death.queue))].filter((queue) => queue !== newest.queue);
	return { ...newest, others };
}

type Death = Omit<DeathOrigin, 'others'>;

function deathOf(fields: FieldTable): Death | null {
	const field = (name: string) => fields.find(([key]) => key === name)?.[1];
	const queue = textOf(field('queue'));
	if (queue === null || queue === '') return null;
	const keys = field('routing-keys');
	const [first] = keys?.type === 'array' ? keys.items : [];
	return {
		queue,
		exchange: textOf(field('exchange')) ?? '',
		routingKey: textOf(first) ?? queue,
		reason: textOf(field('reason')) ?? 'unknown',
	};
}

function textOf(value: FieldValue | undefined): string | null {
	return value?.type === 'longstr' ? value.text : null;
}

/**
 * The message as it is sent back. Without `keepDeaths` the marks of its death are left out, as if it had never died: with them, some
 * consumers refuse it at once for having died too often.
 */
export function replayed(
	message: OutgoingMessage,
	origin: DeathOrigin,
	options: { readonly straight: boolean; readonly keepDeaths: boolean },
): OutgoingMessage {
	const { headers, ...rest } = message.properties;
	const kept = options.keepDeaths ? headers : headers?.filter(([name]) => !DEATH_HEADERS.test(name));
	const properties = kept === undefined || kept.length === 0 ? rest : { ...rest, headers: kept };
	const where = options.straight
		? { exchange: '', routingKey: origin.queue }
		: { exchange: origin.exchange, routingKey: origin.exchange === '' ? origin.queue : origin.routingKey };
	return { ...where, properties, body: message.body };
}
