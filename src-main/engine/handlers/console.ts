/** Handlers of the routes about Warren itself. */
import { platform } from 'node:os';
import { ok } from '#main/domain/result.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';

type Name = 'app.info' | 'settings.show' | 'settings.change' | 'audit.list';

export function consoleHandlers(core: Core): Pick<CallHandlers, Name> {
	const { ports, store } = core;
	return {
		'app.info': async () =>
			ok({
				version: ports.version,
				host: ports.host,
				home: ports.home,
				vault: ports.vault.describe(),
				platform: platform(),
				node: process.versions.node,
			}),
		'settings.show': async () => ok(ports.settings.get()),
		'settings.change': async (input) => {
			const { editorUrl, ...rest } = input;
			const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
			const editor = editorUrl === undefined ? {} : { editorUrl: editorUrl === '' ? null : editorUrl };
			return ok(ports.settings.set({ ...given, ...editor }));
		},
		'audit.list': ({ query, limit, before }) => store.records.auditList({ query, limit, before: before ?? null }),
	};
}
