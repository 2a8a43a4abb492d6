/** Commands that are streams: each item is a line, until Ctrl+C or the stream's own end. */
import { EXIT, type WireError } from '#main/ipc/codes.ts';
import type { AlarmView } from '#main/ipc/contract/alarm.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import type { EventLine } from '#main/ipc/contract/event.ts';
import type { FigureRoundView } from '#main/ipc/contract/figure.ts';
import { contract, type StreamName } from '#main/ipc/contract.ts';
import type { Sink } from '#main/ipc/handlers.ts';
import { showAlarms } from './alarm-views.ts';
import { showClusters } from './cluster-views.ts';
import { showRound } from './figure-views.ts';
import { eventJson, eventText } from './monitor-views.ts';
import { CommandError, type Session } from './session.ts';
import { showLine } from './views.ts';

/** Prints a stream until it ends. */
export async function follow(
	session: Session,
	stream: StreamName,
	input: Readonly<Record<string, unknown>>,
): Promise<number> {
	const ended = Promise.withResolvers<WireError | null>();
	const show = (items: readonly unknown[]) => {
		for (const item of items) {
			if (stream === 'event.watch') showEvent(session, item as EventLine);
			else if (session.globals.json) session.json(item);
			else if (contract[stream].fold === 'append')
				session.say(showLine(item as Parameters<typeof showLine>[0], session.style));
			else if (stream === 'cluster.watch') drawClusters(session, (item as { readonly list: ClusterList }).list);
			else if (stream === 'alarm.watch')
				session.say(`${showAlarms((item as { readonly view: AlarmView }).view, session.style)}\n`);
			else if (stream === 'queue.watch') session.say(showRound(item as FigureRoundView, session.style));
			else session.say(JSON.stringify(item));
		}
	};
	const sink: Sink<unknown> = { snapshot: show, put: show, end: () => ended.resolve(null) };
	await using stack = new AsyncDisposableStack();
	const answer = await session.host.engine.router.open(stream, input, sink, session.context());
	if (!answer.ok) throw new CommandError(answer.error);
	stack.use(answer.value);
	stack.use(session.io.onInterrupt(() => ended.resolve(null)));
	const error = await ended.promise;
	if (error !== null) throw new CommandError(error);
	return EXIT.done;
}

/** An event goes out as it came, digits and all. */
function showEvent(session: Session, line: EventLine): void {
	if (session.globals.json) session.io.stdout.write(`${eventJson(line)}\n`);
	else session.say(eventText(line, session.style));
}

/** On a terminal each look takes the place of the last, elsewhere it follows it. */
function drawClusters(session: Session, list: ClusterList): void {
	const { style } = session;
	session.say(`${style.colour ? '\x1b[H\x1b[2J' : ''}${showClusters(list, style)}\n`);
}
