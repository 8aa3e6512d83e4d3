/** Who a request comes from. The access area may import errors and config. */

import { ServiceError } from "../errors.js";
import type { Account } from "./account.js";

export type Role = "execute" | "admin";

/**
 * A request keeps it while it waits for its body, a queue or a model, and much may change meanwhile.
 * So it is asked again in the turn that acts.
 */
export interface Principal {
  /** Sessions and audit records carry it. Never used again for another key. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly role: Role;
  /** What the quotas are counted on; the built-in admin has none. */
  readonly account: Account | undefined;
  /** Live sessions and stateless runs at a time; undefined without a bound. */
  readonly sessionsMax: number | undefined;
  /** @throws ServiceError UNAUTHENTICATED (revoked meanwhile) */
  assertAlive(): void;
  /** @throws ServiceError UNAUTHENTICATED (revoked meanwhile), FORBIDDEN */
  assertAdmin(): void;
  /** Code may run for it. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED */
  admitRun(): void;
  /** One more session may live beside `live`. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED */
  admitSession(live: number): void;
}

const nothing = () => undefined;

/** The holder of the admin token, and everyone with AUTH=none. Cannot be revoked and has no quotas. */
export const BUILT_IN_ADMIN: Principal = Object.freeze({
  id: "admin",
  name: "admin",
  role: "admin",
  account: undefined,
  sessionsMax: undefined,
  assertAlive: nothing,
  assertAdmin: nothing,
  admitRun: nothing,
  admitSession: nothing,
});

export class KeyPrincipal implements Principal {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly account: Account;

  constructor(
    key: { readonly id: string; readonly name: string; readonly role: Role },
    account: Account,
  ) {
    this.id = key.id;
    this.name = key.name;
    this.role = key.role;
    this.account = account;
    Object.freeze(this);
  }

  get sessionsMax(): number | undefined {
    return this.account.sessionsMax;
  }

  assertAlive(): void {
    this.account.assertAlive();
  }

  assertAdmin(): void {
    this.account.assertAlive();
    if (this.role !== "admin") throw new ServiceError("FORBIDDEN");
  }

  admitRun(): void {
    this.account.admitRun();
  }

  admitSession(live: number): void {
    this.account.admitSession(live);
  }
}
