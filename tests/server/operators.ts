/** Servers that have an operator, for tests. */
import { Admin } from "../../lib/server/admin/admin.ts";
import type { Login, Operator } from "../../lib/server/admin/login.ts";
import { hashPassword } from "../../lib/server/admin/password.ts";
import { realEnvironment } from "../../lib/server/environment.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { startTestServer, type TestServer } from "./support.ts";
import { VirtualTime } from "./virtual_time.ts";

export const PASSWORD = "correct horse battery";
/** A hash with the work of a real one, so that tests measure real tries. */
export const PASSWORD_HASH = await hashPassword(PASSWORD, new Uint8Array(16));
/** The seed of an operator's key. */
export const OPERATOR_KEY = "A".repeat(43);

export interface Operated {
  time: VirtualTime;
  database: MemoryDatabase;
  /** Instances on one database, each with its own admin. */
  instances: (TestServer & { admin: Admin; login: Login })[];
  /** Logged in at the first one. */
  operator: Operator;
  cookie: string;
}

/** `count` instances on one database under virtual time, and an operator who is logged in. */
export async function withOperator(run: (scene: Operated) => Promise<void>, count = 1): Promise<void> {
  const time = new VirtualTime();
  const database = new MemoryDatabase({ now: () => time.now() });
  const instances = Array.from({ length: count }, (_, at) => {
    const server = startTestServer({
      database,
      time,
      instance: `instance ${at}`,
      config: { admin: { passwordHash: PASSWORD_HASH, operatorKey: OPERATOR_KEY, lifeMs: 2 * 3_600_000 } },
    });
    const admin = new Admin({
      server: server.server,
      store: server.store,
      verifier: nodeVerifier(),
      environment: { ...realEnvironment, clock: time, timers: time, log: (line) => server.log.push(line) },
    });
    return { ...server, admin, login: admin.login! };
  });
  const [{ admin, login }] = instances as [Operated["instances"][number]];
  const answer = await admin.logIn(login, PASSWORD, { device: "d", address: "192.0.2.1" });
  if (!("operator" in answer)) throw new Error(answer.problem);
  try {
    await run({ time, database, instances, ...answer });
  } finally {
    for (const instance of instances) {
      const closing = instance.close();
      await time.advance(10_000);
      await closing;
    }
  }
}
