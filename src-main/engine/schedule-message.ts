/** The message that a schedule's run is: as it will be sent, and as it is shown before. */
import { messageDialect } from '#main/dialects/messages.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import { assertNever, fail, type Result } from '#main/domain/result.ts';
import type { BookKind, ScheduleDefinition } from '#main/domain/schedule.ts';
import type { MessagePreview } from '#main/ipc/contract/schedule-answers.ts';
import { checkArguments } from './arguments.ts';
import { plainProperties } from './handlers/task.ts';
import { sender } from './user-name.ts';

/** What stands for the id of a message that is not made yet. */
const SAMPLE_ID = '00000000-0000-0000-0000-000000000000';

/** The message of one run, with this id. Fails (`invalid-input`, `unsupported`) for what cannot be sent, in words. */
export function scheduleMessage(
	definition: ScheduleDefinition,
	profile: Profile,
	messageId: string,
): Result<OutgoingMessage> {
	const dialect = messageDialect(profile);
	const checked = checkArguments(definition.args, definition.kwargs, dialect);
	const problem = checked.argsProblem ?? checked.kwargsProblem;
	if (checked.call === null) {
		const field = checked.argsProblem === null ? 'kwargs' : 'args';
		return fail('invalid-input', `${field}: ${problem?.message ?? 'cannot be read.'}`, { details: { field } });
	}
	return dialect.write({
		name: definition.task,
		call: checked.call,
		queue: definition.queue,
		priority: definition.priority,
		messageId,
		origin: sender(),
		exchange: definition.exchange,
		routingKey: definition.routingKey === '' ? definition.queue : definition.routingKey,
	});
}

/** The same for the screen; where somebody else makes it, who, and what is different about it. */
export function previewMessage(
	definition: ScheduleDefinition,
	profile: Profile,
	book: BookKind,
): { readonly message: MessagePreview | null; readonly messageNote: string | null } {
	switch (book) {
		case 'redbeat':
			return {
				message: null,
				messageNote: "Celery's beat makes this message from the task's arguments and options when it is due.",
			};
		case 'carrot':
			return {
				message: null,
				messageNote:
					"The site's own service makes this message. It sends positional arguments as text, split at every comma; keyword arguments keep their types.",
			};
		case 'local':
		case 'shared': {
			const made = scheduleMessage(definition, profile, SAMPLE_ID);
			if (!made.ok) return { message: null, messageNote: made.error.message };
			const { exchange, routingKey, properties, body } = made.value;
			const { headers, ...plain } = properties;
			const shown = (headers ?? []).map(
				([name, value]) => [name, value.type === 'longstr' ? value.text : JSON.stringify(value)] as const,
			);
			return {
				message: {
					exchange,
					routingKey,
					properties: plainProperties(plain),
					headers: shown,
					body: new TextDecoder().decode(body),
					bodyBytes: body.byteLength,
				},
				messageNote: 'The message id is made when it is due.',
			};
		}
		default:
			return assertNever(book);
	}
}
