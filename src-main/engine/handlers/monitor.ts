/** Handlers of the routes about watching: monitor, events, workers. */
import type { HeardMessage } from '#main/brokers/topic.ts';
import type { ReadEvents } from '#main/dialects/celery/events.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { EventLine } from '#main/ipc/contract/event.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { eventFeeds } from '../celery-feeds.ts';
import type { CeleryMonitors } from '../celery-monitors.ts';
import { takeSnapshots } from '../celery-snapshots.ts';
import type { Core } from '../core.ts';
import type { FigureSampler } from '../figure-sampler.ts';

const PREFETCH = 1_000;
/** A status is told again at least so often, since it holds times. */
const STATUS_MS = 1_000;

export function monitorHandlers(
	core: Core,
	monitors: CeleryMonitors,
): Pick<CallHandlers, 'monitor.status' | 'monitor.switch' | 'monitor.unreadable'> {
	return {
		'monitor.status': async (input) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? ok(await monitors.status(profile.value)) : profile;
		},
		'monitor.switch': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { framework, broker, name } = profile.value;
			if (framework !== 'celery' || broker.kind === 'embedded')
				return fail('unsupported', `"${name}" has no events of Celery that could be collected.`);
			return ok(await monitors.switchTo(profile.value, input.to === 'on'));
		},
		'monitor.unreadable': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = await monitors.notes.bad(profile.value.id, input.limit);
			const [status, replies] = await Promise.all([
				monitors.status(profile.value),
				monitors.notes.badReplies(profile.value.id),
			]);
			return ok({ items, total: status.bad + replies });
		},
	};
}

export function monitorStreams(
	core: Core,
	monitors: CeleryMonitors,
	sampler: Pick<FigureSampler, 'run'>,
): Pick<StreamHandlers, 'monitor.run' | 'event.watch' | 'event.snapshot'> {
	const { clock, log } = core.ports;
	return {
		'monitor.run': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const run = await monitors.run(profile.value, input.keep);
			if (!run.ok) return run;
			const key = profile.value.id;
			const item = () => ({ key, status: run.value.status() });
			sink.snapshot([item()]);
			const stack = new DisposableStack();
			stack.defer(() => {
				Promise.resolve(run.value[Symbol.asyncDispose]()).catch((error: unknown) => {
					log.warn('monitor.end-failed', { profile: key, reason: String(error) });
				});
			});
			// Whoever watches events has the depth of queues beside them. Where another process samples, history is the same.
			const sampling = await sampler.run(profile.value, () => {});
			if (sampling.ok) {
				stack.defer(() => {
					Promise.resolve(sampling.value[Symbol.asyncDispose]()).catch((error: unknown) => {
						log.warn('figures.end-failed', { profile: key, reason: String(error) });
					});
				});
			}
			stack.use(run.value.onChange(() => sink.put([item()])));
			let timer: Disposable | null = null;
			const again = () => {
				timer = clock.after(STATUS_MS, () => {
					sink.put([item()]);
					again();
				});
			};
			again();
			stack.defer(() => timer?.[Symbol.dispose]());
			void run.value.ended.then(() => {
				sink.put([item()]);
				sink.end();
			});
			return ok(stack);
		},
		'event.snapshot': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			sink.snapshot([]);
			const taking = takeSnapshots(core.ports, core.profiles, profile.value, {
				everyMs: input.every * 1_000,
				clear: input.keep !== true,
				onShot: (shot) => sink.put([shot]),
			});
			if (!taking.ok) return taking;
			return ok({
				[Symbol.dispose]() {
					Promise.resolve(taking.value[Symbol.asyncDispose]()).catch((error: unknown) => {
						log.warn('snapshot.end-failed', { profile: profile.value.id, reason: String(error) });
					});
				},
			});
		},
		'event.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const patterns = input.group === undefined ? ['#'] : [`${input.group}.#`];
			const feeds = eventFeeds(core.ports, core.profiles, profile.value, { patterns, keep: null });
			if (!feeds.ok) return feeds;
			sink.snapshot([]);
			const feed = feeds.value.open({
				prefetch: PREFETCH,
				onMessage(message) {
					const lines = linesOf(message, feeds.value.read(message)).filter((line) => wanted(line, input));
					if (lines.length > 0) sink.put(lines);
					feed.settle(message);
				},
				onStart() {},
				onTrouble: (reason) => log.warn('event.watch-trouble', { profile: profile.value.id, reason }),
			});
			feed.connect();
			return ok({
				[Symbol.dispose]() {
					Promise.resolve(feed[Symbol.asyncDispose]()).catch((error: unknown) => {
						log.warn('event.watch-end-failed', { profile: profile.value.id, reason: String(error) });
					});
				},
			});
		},
	};
}

/** Some brokers cannot tell groups apart: what nobody asked for is left out here. What cannot be read belongs to any. */
function wanted(line: EventLine, input: HandlerInput<'event.watch'>): boolean {
	if (input.task !== undefined && line.task !== input.task) return false;
	return input.group === undefined || line.type === null || line.type.startsWith(`${input.group}-`);
}

function linesOf(message: HeardMessage, { events, bad, textOf }: ReadEvents): readonly EventLine[] {
	const { receivedAt, routingKey } = message;
	const lines: EventLine[] = events.map((event, at) => ({
		receivedAt,
		routingKey,
		type: event.type,
		hostname: event.hostname,
		sentAt: event.at,
		task: event.group === 'task' ? event.uuid : null,
		name: event.group === 'task' ? (event.call?.name ?? null) : null,
		text: textOf(at),
		fault: null,
	}));
	const nothing = { type: null, hostname: null, sentAt: null, task: null, name: null };
	for (const { reason, text } of bad) {
		const shown = text ?? Buffer.from(message.body.subarray(0, 4_000)).toString('utf8');
		lines.push({ receivedAt, routingKey, ...nothing, text: shown, fault: reason });
	}
	return lines;
}
