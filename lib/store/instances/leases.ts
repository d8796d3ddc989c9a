/** Leases: one instance does a task for all, and another takes over when it is gone. */
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";

/** Value of the key `lease`. */
interface Lease {
  instance: string;
  /** Server's clock, ms. */
  until: number;
}

export class LeaseStore {
  constructor(private readonly database: Database) {}

  /** Whether this instance holds the lease `name` for the next `forMs`; another one gets it only after that. */
  async acquire(name: string, instance: string, forMs: number, nowMs: number): Promise<boolean> {
    const key = keys.lease(name);
    const { value, versionstamp } = await this.database.get<Lease>(key);
    if (value && value.instance !== instance && value.until > nowMs) return false;
    const lease: Lease = { instance, until: nowMs + forMs };
    // The clock decides who holds the lease; the database's expiry only cleans up, and may be early when clocks differ.
    const life = { expireIn: Math.ceil(forMs * 2) };
    return await this.database.commit((atomic) => void atomic.check({ key, versionstamp }).set(key, lease, life)) !==
      undefined;
  }
}
