/** Routes about Warren itself. */
import * as z from 'zod';
import type { AuditPage } from '#main/domain/audit.ts';
import { logLevel, queryText } from './fields.ts';
import { command, query, returns } from './route.ts';

export interface AppInfo {
	readonly version: string;
	readonly host: 'shell' | 'serve' | 'cli' | 'test';
	readonly home: string;
	readonly vault: { readonly kind: string; readonly words: string };
	readonly platform: string;
	readonly node: string;
}

export interface SettingsView {
	readonly theme: 'system' | 'light' | 'dark';
	readonly lastProfile: string | null;
	readonly editorUrl: string | null;
	readonly logLevel: 'debug' | 'info' | 'warning' | 'error' | 'critical';
}

export const consoleRoutes = {
	'app.info': query({
		scope: 'console',
		summary: 'Version, host, and where things are kept',
		input: z.strictObject({}),
		output: returns<AppInfo>(),
	}),
	'settings.show': query({
		scope: 'console',
		summary: 'Show settings',
		input: z.strictObject({}),
		output: returns<SettingsView>(),
	}),
	'settings.change': command({
		scope: 'console',
		needs: 'write',
		summary: 'Change settings; what is left out stays',
		input: z.strictObject({
			theme: z.enum(['system', 'light', 'dark']).optional(),
			lastProfile: z.string().max(80).optional(),
			editorUrl: z
				.string()
				.max(400)
				.regex(/^(|[a-z][a-z0-9+.-]*:\/\/.*\{file\}.*)$/i, 'a URL with {file} in it, or empty for none')
				.optional()
				.describe('URL that opens a file, e.g. vscode://file/{file}:{line}'),
			logLevel: logLevel.optional().describe('Least severe level that logs show'),
		}),
		output: returns<SettingsView>(),
	}),
	'audit.list': query({
		scope: 'console',
		summary: 'What was done, newest first',
		input: z.strictObject({
			query: queryText.default('').describe("Query over the audit, e.g. 'route:task. is:failed since:7d'"),
			limit: z.int().min(1).max(1_000).default(100),
			before: z.int().min(1).optional().describe('Only lines before this one: `next` of the answer before'),
		}),
		output: returns<AuditPage>(),
		cli: { positional: ['query'] },
	}),
};
