/** Router ports for tests: every handler of the contract answers, and everything that reached one is kept. */
import type { AuditEntry } from '#main/domain/audit.ts';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { contract } from '#main/ipc/contract.ts';
import type { CallContext, GuardedProfile, RouterPorts, Sink } from '#main/ipc/handlers.ts';

export type TestHandler = (input: never, context: CallContext) => Promise<Result<unknown>>;
export type TestStream = (input: never, sink: Sink<never>, context: CallContext) => Promise<Result<Disposable>>;

export interface TestPorts extends RouterPorts {
	/** Routes and inputs in the order in which they reached a handler. */
	readonly reached: { readonly route: string; readonly input: unknown }[];
	readonly audited: AuditEntry[];
	readonly defects: { readonly ref: string; readonly route: string; readonly error: unknown }[];
}

/** Profiles of the deployment that the tests pretend to have. */
export const TEST_PROFILES: readonly GuardedProfile[] = [
	{ id: profileId('dev'), name: 'dev', environment: 'development', readOnly: false },
	{ id: profileId('shop'), name: 'Shop', environment: 'production', readOnly: false },
	{ id: profileId('locked'), name: 'locked', environment: 'production', readOnly: true },
];

/** Ports whose handlers answer `null`, apart from those given. */
export function testPorts(
	own: {
		readonly calls?: Readonly<Record<string, TestHandler>>;
		readonly streams?: Readonly<Record<string, TestStream>>;
		readonly profiles?: readonly GuardedProfile[];
		readonly audit?: (entry: AuditEntry) => Promise<void>;
	} = {},
): TestPorts {
	const reached: { readonly route: string; readonly input: unknown }[] = [];
	const audited: AuditEntry[] = [];
	const defects: { readonly ref: string; readonly route: string; readonly error: unknown }[] = [];
	const calls: Record<string, TestHandler> = {};
	const streams: Record<string, TestStream> = {};
	for (const [name, route] of Object.entries(contract)) {
		if (route.kind === 'stream') {
			streams[name] = async (input, sink, context) => {
				reached.push({ route: name, input });
				return own.streams?.[name]?.(input, sink, context) ?? ok({ [Symbol.dispose]() {} });
			};
		} else {
			calls[name] = async (input, context) => {
				reached.push({ route: name, input });
				return own.calls?.[name]?.(input, context) ?? ok(null);
			};
		}
	}
	const profiles = own.profiles ?? TEST_PROFILES;
	return {
		calls: calls as unknown as RouterPorts['calls'],
		streams: streams as unknown as RouterPorts['streams'],
		async profile(nameOrId) {
			const found = profiles.find((p) => p.name === nameOrId || p.id === (nameOrId as ProfileId));
			return found === undefined ? fail('not-found', `There is no profile "${nameOrId}".`) : ok(found);
		},
		audit:
			own.audit ??
			(async (entry) => {
				audited.push(entry);
			}),
		defect(ref, route, error) {
			defects.push({ ref, route, error });
		},
		now: () => 1_700_000_000_000,
		reached,
		audited,
		defects,
	};
}

/** A caller that nobody cancels. */
export function testContext(signal: AbortSignal = new AbortController().signal): CallContext {
	return { host: 'test', actor: 'tester', signal };
}
