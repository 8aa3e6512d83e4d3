/**
 * Numbers that processes agree on across languages. `wire/agreement.py` of the guest holds those that the
 * Python side needs, and a test compares them with each other and with the scripts that use them.
 */

/** Ids inside a sandbox. */
export const USER_ID = 1000;
export const WARDEN_ID = 999;

/** Each instance has a range of host ids: a slot for each sandbox, in it one id for each of the two inside. */
export const SLOTS = 4096;
export const IDS_PER_SLOT = 2;
export const IDS_PER_INSTANCE = SLOTS * IDS_PER_SLOT;

/** Far above the ids of people and services. */
const HOST_IDS_BASE = 2 ** 30;
const INSTANCES_MAX = 65_536;

/** The first host id of an instance, by its name, which is eight hexadecimal digits. */
export function firstHostId(instance: string): number {
  return HOST_IDS_BASE + (Number.parseInt(instance, 16) % INSTANCES_MAX) * IDS_PER_INSTANCE;
}

/** Of the keeper, for the supervisor: another start would end the same. */
export const EXIT_ISOLATION_UNAVAILABLE = 70;
/** Of the gateway, for the supervisor: it cannot start, and the reason has been said. */
export const EXIT_GATEWAY_HOPELESS = 71;
/** Of the keeper, for the supervisor: the reason has been said and is no lack of isolation. */
export const EXIT_FOLDERS_REFUSED = 72;
/** Of a warden, for the keeper: memory ran out where no control group counts it. */
export const EXIT_SOCKET_MEMORY = 12;
