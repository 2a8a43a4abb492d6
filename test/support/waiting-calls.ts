/** Calls as carrot and Celery publish them, numbered, and what number a message has. */
import { messageDialect } from '#main/dialects/messages.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';

const dialects = {
	rabbitmq: messageDialect({ framework: 'carrot', dialect: CARROT_DIALECT }),
	redis: messageDialect({ framework: 'celery', dialect: CARROT_DIALECT }),
};

/** One task with its number as first argument. */
export function encodeCall(
	kind: keyof typeof dialects,
	name: string,
	queue: string,
	n: number,
): Result<OutgoingMessage> {
	return dialects[kind].write({
		name,
		messageId: `id-${queue}-${n}`,
		call: {
			args: [
				{ kind: 'int', text: String(n) },
				{ kind: 'int', text: '9007199254740993' },
			],
			kwargs: [['currency', { kind: 'str', value: 'eur' }]],
		},
		queue,
		priority: 0,
		origin: 'test',
	});
}

/** The number of such a message. */
export function argument(message: { readonly body: Uint8Array }): number {
	return Number(/(\d+)/.exec(Buffer.from(message.body).toString())?.[1] ?? Number.NaN);
}
