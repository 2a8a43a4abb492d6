/** What an action is done to, and with: a profile's broker and history, and a clock. */
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { HistoryStore, RecordStore } from '#main/store/store.ts';

export interface ActionTarget {
	readonly profile: Profile;
	readonly driver: BrokerDriver;
	readonly history: HistoryStore;
	readonly records: RecordStore;
	/** Epoch ms. */
	readonly now: () => number;
	/** Makes a message id: a lower-case uuid, as carrot's publishers use. */
	readonly newId: () => string;
}

/** How long an action waits for a broker that is still connecting. */
export const READY_DEADLINE_MS = 10_000;
