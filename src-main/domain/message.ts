/** Messages as brokers hold them: envelope, properties with their types, and bytes nobody has interpreted yet. */

/** A value in an AMQP field table, typed as on the wire so that it can be written back byte for byte. */
export type FieldValue =
	/** `base64` is there only when the bytes are not UTF-8: then it holds them, and `text` what can be shown of them. */
	| { readonly type: 'longstr'; readonly text: string; readonly base64?: string }
	| { readonly type: 'bytes'; readonly base64: string }
	| { readonly type: 'bool'; readonly value: boolean }
	| {
			readonly type: 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'float' | 'double';
			readonly value: number;
	  }
	/** 64-bit integers as decimal text. `timestamp` is in seconds. */
	| { readonly type: 'int64' | 'timestamp'; readonly text: string }
	| { readonly type: 'decimal'; readonly places: number; readonly digits: number }
	| { readonly type: 'void' }
	| { readonly type: 'array'; readonly items: readonly FieldValue[] }
	| { readonly type: 'table'; readonly fields: FieldTable };

/** A field table in the order in which it was written. */
export type FieldTable = readonly (readonly [string, FieldValue])[];

/** The AMQP 0-9-1 basic properties; an absent key was absent on the wire. Other brokers map theirs onto these. */
export interface MessageProperties {
	readonly contentType?: string;
	readonly contentEncoding?: string;
	readonly headers?: FieldTable;
	/** 1 transient, 2 persistent. */
	readonly deliveryMode?: number;
	/** 0 to 255. */
	readonly priority?: number;
	readonly correlationId?: string;
	readonly replyTo?: string;
	/** Milliseconds as decimal text, as AMQP has it. */
	readonly expiration?: string;
	readonly messageId?: string;
	/** Seconds since the epoch, as AMQP has it. */
	readonly timestamp?: number;
	readonly type?: string;
	readonly userId?: string;
	readonly appId?: string;
}

/** The id that a message is known by: its message id or, as Celery's have none, its correlation id. Null: it has neither. */
export function idOfMessage({ messageId, correlationId }: MessageProperties): string | null {
	return messageId || correlationId || null;
}

/** A message to publish. An empty exchange is the default one, which routes by queue name. */
export interface OutgoingMessage {
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: MessageProperties;
	readonly body: Uint8Array;
}

/** A message as a broker handed it out. */
export interface BrokerMessage extends OutgoingMessage {
	readonly queue: string;
	/** The broker says it has handed this message out before (to anybody, to us included). */
	readonly redelivered: boolean;
	/** How often it was handed out before, where the broker counts (quorum queues, embedded); null: cannot tell. */
	readonly deliveryCount: number | null;
}
