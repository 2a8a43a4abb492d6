/** Branded identifiers, so that a queue name can't be passed where a task id is meant. */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A profile's permanent id: lower-case letters, digits and dashes; also its folder's name. */
export type ProfileId = Branded<string, 'ProfileId'>;
/** A task's id: the message id of its first message (or one of Warren's own where that had none). */
export type TaskId = Branded<string, 'TaskId'>;
/** An attempt's id: the store's row number, unique within one home. */
export type AttemptId = Branded<number, 'AttemptId'>;
/** A consumer set's id within one home. */
export type ConsumerSetId = Branded<string, 'ConsumerSetId'>;

export function profileId(text: string): ProfileId {
	return text as ProfileId;
}
export function taskId(text: string): TaskId {
	return text as TaskId;
}
export function attemptId(value: number): AttemptId {
	return value as AttemptId;
}
export function consumerSetId(text: string): ConsumerSetId {
	return text as ConsumerSetId;
}
