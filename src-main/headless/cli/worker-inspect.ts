/** `warren worker inspect`: answers as they come, and in the end who has not answered. */
import type { Failure } from '#main/domain/result.ts';
import type { ControlSummary, NodeAnswers } from '#main/domain/worker-control.ts';
import type { InspectItem } from '#main/ipc/contract/worker.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { CommandError, type Session } from './session.ts';
import { outcomeExit, outcomeJson, showNode, summaryLines } from './worker-control-views.ts';

/** Prints each node's answer when it comes; with `--json` one document once all is there. */
export async function workerInspect(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const profile = await session.profile();
	const nodes = new Map<string, NodeAnswers>();
	const shown = new Set<string>();
	let summary: ControlSummary | null = null;
	let failure: Failure | null = null;
	const ended = Promise.withResolvers<void>();
	const take = (items: readonly InspectItem[]) => {
		for (const item of items) {
			if (item.node !== null) {
				nodes.set(item.key, item.node);
				if (item.node.state !== 'asked' && item.node.state !== 'silent' && !shown.has(item.key)) {
					shown.add(item.key);
					session.say(showNode(item.node, session.style));
				}
			}
			summary = item.summary ?? summary;
			failure = item.failure ?? failure;
		}
	};
	await using stack = new AsyncDisposableStack();
	const input = { ...given, profile } as CallerInput<'worker.inspect'>;
	stack.use(await session.open('worker.inspect', input, { snapshot: take, put: take, end: ended.resolve }));
	stack.use(session.io.onInterrupt(ended.resolve));
	await ended.promise;
	const why = failure as Failure | null;
	if (why !== null) throw new CommandError(why);
	const all = summary as ControlSummary | null;
	if (all === null) return 1;
	const items = [...nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
	const outcome = { ...all, items };
	if (session.globals.json) session.json(outcomeJson(outcome));
	else {
		// Silent ones, and what came late about those already shown: a second answer of one name.
		for (const node of items) {
			if (!shown.has(node.node) || node.answers.length > 1) session.say(showNode(node, session.style));
		}
		for (const line of summaryLines(outcome, session.style)) session.say(line);
	}
	return outcomeExit(outcome, input.destination !== undefined);
}
