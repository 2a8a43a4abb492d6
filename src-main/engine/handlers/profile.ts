/** Handlers of the routes about profiles. */
import { createDoctor } from '#main/brokers/connect.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { CARROT_DIALECT, type DoctorStep, type Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { formatBroker } from '#main/profiles/address.ts';
import { bookUrls, readBooks } from '../book-settings.ts';
import { readCelery } from '../celery-settings.ts';
import type { Core } from '../core.ts';
import { djangoQContext } from '../deployments.ts';
import { managementOf, readManagement } from '../management-settings.ts';
import { readMonitor } from '../monitor-settings.ts';
import {
	addressToTest,
	dialectOf,
	djangoQOf,
	fitsFramework,
	noRedis,
	placeOf,
	readBroker,
	siteOf,
} from '../profile-input.ts';
import { readResults, resultsUrl } from '../results-settings.ts';
import { forgetSetsOf } from '../saved-sets.ts';
import { clusterSteps, discover } from '../site-discovery.ts';

type Name =
	| 'profile.list'
	| 'profile.show'
	| 'profile.add'
	| 'profile.edit'
	| 'profile.duplicate'
	| 'profile.remove'
	| 'profile.test'
	| 'profile.discover'
	| 'profile.connect';

const DOCTOR_MS = 30_000;

export function profileHandlers(core: Core): Pick<CallHandlers, Name> {
	const { profiles, deployments } = core;
	const view = async (found: Result<Profile>): Promise<Result<ProfileView>> =>
		found.ok ? ok(await viewOf(core, found.value)) : found;
	return {
		'profile.list': async () => {
			const items = await Promise.all((await profiles.list()).map((profile) => viewOf(core, profile)));
			return ok({ items, total: items.length });
		},
		'profile.show': async (input) => view(await profiles.find(input.name)),
		'profile.add': async (input) => {
			const broker = readBroker(input.broker, input);
			if (!broker.ok) return broker;
			const fits = fitsFramework(input.framework, broker.value.address);
			if (!fits.ok) return fits;
			const password = input.password ?? broker.value.password;
			const site = await siteOf(core, input, broker.value.address, password);
			if (!site.ok) return site;
			const djangoQ = djangoQOf(site.value, null);
			if (!djangoQ.ok) return djangoQ;
			const monitor = readMonitor(input, null, null);
			if (!monitor.ok) return monitor;
			const management = readManagement(input, null, null);
			if (!management.ok) return management;
			const books = readBooks(input, null);
			if (!books.ok) return books;
			const results = readResults(input, { framework: input.framework, broker: broker.value.address }, null);
			if (!results.ok) return results;
			const celery = readCelery(input, input.framework, null);
			if (!celery.ok) return celery;
			return view(
				await profiles.add(
					{
						name: input.name,
						framework: input.framework,
						broker: broker.value.address,
						environment: input.environment ?? 'development',
						readOnly: input.readOnly ?? false,
						monitorUrl: monitor.value.url,
						monitorTls: monitor.value.tls,
						managementUrl: management.value.url,
						managementTls: management.value.tls,
						dialect: dialectOf(input, CARROT_DIALECT),
						books: books.value.books,
						...results.value.kept,
						...celery.value,
						...djangoQ.value,
						queues: site.value.queues ?? [],
						sandbox: false,
					},
					{
						...(password === null || password === '' ? {} : { broker: password }),
						...monitor.value.secret,
						...management.value.secret,
						...books.value.secrets,
						...results.value.secrets,
						...(input.secretKey === undefined || input.secretKey === '' ? {} : { django: input.secretKey }),
					},
				),
			);
		},
		'profile.edit': async (input) => {
			const found = await profiles.find(input.name);
			if (!found.ok) return found;
			const old = found.value;
			if (old.sandbox && (input.broker !== undefined || input.rename !== undefined)) {
				return fail('unsupported', 'The sandbox keeps its name and its built-in broker. Duplicate it to change them.');
			}
			const text = input.broker ?? formatBroker(old.broker);
			const broker = readBroker(text, input, input.broker === undefined ? old.broker : undefined);
			if (!broker.ok) return broker;
			const fits = fitsFramework(input.framework ?? old.framework, broker.value.address);
			if (!fits.ok) return fits;
			const djangoQ = djangoQOf(input, old);
			if (!djangoQ.ok) return djangoQ;
			const password = input.password ?? broker.value.password;
			const kept = await profiles.secret(old.id, 'monitor');
			if (!kept.ok) return kept;
			const monitor = readMonitor(input, old, kept.value);
			if (!monitor.ok) return monitor;
			const known = await profiles.secret(old.id, 'management');
			if (!known.ok) return known;
			const management = readManagement(input, old, known.value);
			if (!management.ok) return management;
			const books = readBooks(input, old);
			if (!books.ok) return books;
			const results = readResults(
				input,
				{ framework: input.framework ?? old.framework, broker: broker.value.address },
				old,
			);
			if (!results.ok) return results;
			const celery = readCelery(input, input.framework ?? old.framework, old);
			if (!celery.ok) return celery;
			const edited = await profiles.put(
				{
					...old,
					name: input.rename ?? old.name,
					framework: input.framework ?? old.framework,
					broker: broker.value.address,
					environment: input.environment ?? old.environment,
					readOnly: input.readOnly ?? old.readOnly,
					monitorUrl: monitor.value.url,
					monitorTls: monitor.value.tls,
					managementUrl: management.value.url,
					managementTls: management.value.tls,
					dialect: dialectOf(input, old.dialect),
					books: books.value.books,
					...results.value.kept,
					...celery.value,
					...djangoQ.value,
					queues: input.queues ?? old.queues,
				},
				{
					...(password === null ? {} : { broker: password === '' ? null : password }),
					...monitor.value.secret,
					...management.value.secret,
					...books.value.secrets,
					...results.value.secrets,
					...(input.secretKey === undefined ? {} : { django: input.secretKey === '' ? null : input.secretKey }),
				},
			);
			if (edited.ok) {
				deployments.renew(edited.value);
				await core.schedules.renew(edited.value);
			}
			return view(edited);
		},
		'profile.duplicate': async (input) => view(await profiles.duplicate(input.name, input.as)),
		'profile.remove': async (input) => {
			const found = await profiles.find(input.name);
			if (!found.ok) return found;
			const { id, sandbox } = found.value;
			const counts = await core.store.history.counts(id);
			if (!sandbox) {
				await core.consumers.stopAll(id);
				await core.schedules.keepers?.stop(id);
				const forgotten = await forgetSetsOf(core, id);
				if (!forgotten.ok) return forgotten;
			}
			const removed = await profiles.remove(input.name);
			if (!removed.ok) {
				await core.schedules.keepers?.refresh();
				return removed;
			}
			await core.schedules.forget(id);
			await deployments.forget(id);
			const tasks = counts.queued + counts.running + counts.succeeded + counts.failed + counts.retrying;
			return ok({ removed: removed.value.name, tasks: tasks + counts.revoked + counts.rejected + counts.lost });
		},
		'profile.test': async (input, context) => {
			const asked = await addressToTest(core, input);
			if (!asked.ok) return asked;
			const doctor = createDoctor(asked.value.address, {
				folder: asked.value.folder,
				password: async () => asked.value.password,
				clock: core.ports.clock,
				log: core.ports.log,
				embeddedThread: core.ports.embeddedThread,
				clientName: `Warren ${core.ports.version} (connection test)`,
				asides: asked.value.asides,
				...djangoQContext(asked.value.framework, asked.value.cache !== null),
			});
			const signal = AbortSignal.any([context.signal, AbortSignal.timeout(DOCTOR_MS)]);
			const steps: DoctorStep[] = [...(await doctor(input.queues ?? asked.value.queues, signal))];
			const place = placeOf(asked.value);
			if (asked.value.framework === 'django-q' && place !== null && steps.every(({ status }) => status !== 'failed')) {
				steps.push(...(await clusterSteps(core.ports, place, asked.value.prefixes, asked.value.cache)));
			}
			const saved = input.name === undefined ? null : await profiles.find(input.name);
			if (saved?.ok === true && input.broker === undefined) {
				steps.push(...(await managementSteps(core, saved.value, signal)));
			}
			return ok({ steps, passed: steps.every((step) => step.status !== 'failed') });
		},
		'profile.discover': async (input) => {
			const asked = await addressToTest(core, input);
			if (!asked.ok) return asked;
			const place = placeOf(asked.value);
			return place === null ? noRedis() : discover(core.ports, place);
		},
		'profile.connect': async (input) => {
			const found = await profiles.find(input.name);
			if (!found.ok) return found;
			deployments.reconnect(found.value);
			return ok(deployments.driver(found.value).state());
		},
	};
}

export function profileStreams(core: Core): Pick<StreamHandlers, 'profile.watch'> {
	const { profiles, deployments, store } = core;
	return {
		'profile.watch': async (input, sink) => {
			const stack = new DisposableStack();
			const ticking = new Map<ProfileId, Disposable>();
			stack.defer(() => {
				for (const tick of ticking.values()) tick[Symbol.dispose]();
			});
			const tellOne = async (id: ProfileId) => {
				const profile = (await profiles.list()).find((p) => p.id === id);
				if (profile !== undefined) sink.put([{ key: id, view: await viewOf(core, profile) }]);
			};
			const all = async () => {
				const list = await profiles.list();
				const known = new Set(list.map((p) => p.id));
				for (const profile of list) {
					if (!ticking.has(profile.id)) {
						ticking.set(
							profile.id,
							store.history.onTick(profile.id, () => void tellOne(profile.id)),
						);
					}
				}
				const gone = [...ticking.keys()].filter((id) => !known.has(id));
				for (const id of gone) {
					ticking.get(id)?.[Symbol.dispose]();
					ticking.delete(id);
				}
				const views = await Promise.all(list.map(async (p) => ({ key: p.id as string, view: await viewOf(core, p) })));
				return { views, gone };
			};
			stack.use(deployments.onConnection((id) => void tellOne(id)));
			stack.use(
				profiles.onChange(() => {
					void all().then(({ views, gone }) => sink.put([...views, ...gone.map((id) => ({ key: id, view: null }))]));
				}),
			);
			if (input.connect !== undefined) {
				const wanted = await profiles.find(input.connect);
				if (!wanted.ok) {
					stack.dispose();
					return wanted;
				}
				deployments.driver(wanted.value);
			}
			sink.snapshot((await all()).views);
			return ok(stack);
		},
	};
}

/** The step that reads the management API; none where the profile has none. */
async function managementSteps(core: Core, profile: Profile, signal: AbortSignal): Promise<readonly DoctorStep[]> {
	const { clock } = core.ports;
	const management = managementOf(core.profiles, profile, clock.now);
	if (management === null || profile.broker.kind !== 'amqp') return [];
	const since = clock.monotonic();
	const overview = await management.overview(signal);
	const queues = overview.ok ? await management.queues(profile.broker.vhost, signal) : overview;
	const tookMs = Math.round(clock.monotonic() - since);
	if (!overview.ok || !queues.ok) {
		// Words of the API begin with what happened and end with what to do about it.
		const said = overview.ok ? (queues.ok ? '' : queues.error.message) : overview.error.message;
		const [finding = said, ...cure] = said.split(/(?<=[.)]) (?=[A-Z])/);
		const words = cure.length === 0 ? null : cure.join(' ');
		return [{ step: 'management', status: 'warning', finding, cure: words, tookMs }];
	}
	const { figures, complete } = queues.value;
	const count = `${figures.length}${complete ? '' : ' and more'} queues`;
	const finding = `${overview.value.server} lets "${overview.value.user}" in, and tells of ${count}.`;
	return [{ step: 'management', status: 'passed', finding, cure: null, tookMs }];
}

/** A profile with its connection, counts and which secrets it has. */
export async function viewOf(core: Core, profile: Profile): Promise<ProfileView> {
	const capabilities = core.deployments.capabilities(profile.id);
	return {
		profile,
		brokerUrl: formatBroker(profile.broker),
		bookUrls: bookUrls(profile.books),
		resultsUrl: resultsUrl(profile),
		connection: core.deployments.connection(profile.id),
		secrets: await core.profiles.hasSecrets(profile.id),
		counts: await core.store.history.counts(profile.id),
		maxPriority: capabilities?.maxPriority ?? null,
		look: capabilities?.look ?? null,
	};
}
