/** Handlers of the routes about django-q's clusters. */
import { ok } from '#main/domain/result.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import type { Clusters } from '../clusters.ts';
import type { Core } from '../core.ts';

export function clusterHandlers(core: Core, clusters: Clusters): Pick<CallHandlers, 'cluster.list'> {
	return {
		'cluster.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? clusters.list(profile.value) : profile;
		},
	};
}

export function clusterStreams(core: Core, clusters: Clusters): Pick<StreamHandlers, 'cluster.watch'> {
	return {
		'cluster.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			let first = true;
			const watching = await clusters.watch(profile.value, input.every * 1_000, (list) => {
				if (first) sink.snapshot([{ key: id, list }]);
				else sink.put([{ key: id, list }]);
				first = false;
			});
			return watching.ok ? ok(watching.value) : watching;
		},
	};
}
