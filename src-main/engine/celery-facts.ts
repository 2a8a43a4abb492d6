/** What is known of a Celery task beside name and arguments: from its message where that is kept, else from what events told. Pure. */
import type { CeleryFact, CeleryMessage } from '#main/domain/celery.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { TaskDetail } from '#main/domain/task.ts';

/** A kept message, read. */
export interface ReadMessage {
	readonly celery: CeleryMessage;
	readonly message: Pick<OutgoingMessage, 'exchange' | 'routingKey' | 'properties'>;
}

type Said = readonly (readonly [name: string, value: string | number | boolean | null | undefined])[];

/** In the order in which a person reads them; what nobody said is left out. */
export function celeryFacts(
	read: ReadMessage | null,
	detail: Pick<TaskDetail, 'lineage' | 'events'>,
): readonly CeleryFact[] {
	const facts = new Map<string, CeleryFact>();
	const put = (source: CeleryFact['source'], said: Said) => {
		for (const [name, value] of said) {
			if (value === null || value === undefined || value === '' || facts.has(name)) continue;
			facts.set(name, { name, value: String(value), source });
		}
	};
	if (read !== null) put('message', inMessage(read));
	put('event', inEvents(detail));
	const place = new Map(ORDER.map((name, at) => [name, at]));
	return [...facts.values()].sort((a, b) => (place.get(a.name) ?? ORDER.length) - (place.get(b.name) ?? ORDER.length));
}

const ORDER: readonly string[] = [
	'root_id',
	'parent_id',
	'group',
	'group_index',
	'retries',
	'eta',
	'expires',
	'timelimit',
	'soft_timelimit',
	'shadow',
	'origin',
	'ignore_result',
	'argsrepr',
	'kwargsrepr',
	'priority',
	'exchange',
	'routing_key',
	'reply_to',
	'protocol',
];

function inMessage({ celery, message }: ReadMessage): Said {
	return [
		['root_id', celery.rootId],
		['parent_id', celery.parentId],
		['group', celery.group],
		['group_index', celery.groupIndex],
		['retries', celery.retries],
		['eta', celery.eta],
		['expires', celery.expires],
		['timelimit', seconds(celery.timeLimits.hard)],
		['soft_timelimit', seconds(celery.timeLimits.soft)],
		['shadow', celery.shadow],
		['origin', celery.origin],
		['ignore_result', celery.ignoreResult],
		['argsrepr', celery.argsRepr],
		['kwargsrepr', celery.kwargsRepr],
		['priority', message.properties.priority],
		['exchange', message.exchange === '' ? '(default)' : message.exchange],
		['routing_key', message.routingKey],
		['reply_to', celery.replyTo],
		['protocol', celery.protocol],
	];
}

/** The newest telling of each counts: a retry has an eta of its own. */
function inEvents({ lineage, events = [] }: Pick<TaskDetail, 'lineage' | 'events'>): Said {
	const told = events.filter(({ kind }) => kind === 'sent' || kind === 'received');
	const newest = told.at(-1);
	const sent = told.findLast(({ kind }) => kind === 'sent');
	return [
		['root_id', lineage?.rootId],
		['parent_id', lineage?.parentId],
		['group', lineage?.groupId],
		['retries', newest?.retries],
		['eta', newest?.eta],
		['expires', newest?.expires],
		['origin', sent?.host],
		['exchange', sent?.exchange === '' ? '(default)' : sent?.exchange],
		['routing_key', sent?.routingKey],
	];
}

function seconds(limit: number | null): string | null {
	return limit === null ? null : `${limit} s`;
}
