/**
 * Several server processes on one denokv, whose address is their only shared setting. `deno task test:cluster` builds denokv where
 * there is none; without it these tests are ignored.
 */
import { assert, assertEquals } from "@std/assert";
import type { ServerFrame } from "../../lib/protocol/frames.ts";
import { builtServer } from "../support/server_process.ts";
import { pause, sees } from "../faults/writers.ts";
import { Cluster, portOf } from "./cluster.ts";
import { findDenokv } from "./denokv.ts";

const denokv = findDenokv();

/** Refusals that tell a client that its event is not stored yet. */
function isNotStored(frame: ServerFrame): boolean {
  return (frame.type === "refused" && frame.reason === "storage_unavailable") ||
    (frame.type === "goodbye" && frame.reason === "overloaded");
}

function clusterTest(name: string, test: (cluster: Cluster) => Promise<void>): void {
  Deno.test({ name, ignore: denokv === undefined, fn: () => Cluster.with(denokv!, test) });
}

clusterTest(
  "rooms span processes whose clocks differ by 16 s; one joins under load, one is killed: nothing lost, nothing twice",
  async (cluster) => {
    const first = await cluster.addInstance({ skewMs: 8_000 });
    await cluster.addInstance({ skewMs: -8_000 });
    await cluster.addRoom(6);
    assertEquals(await cluster.connections(), [3, 3], "the room is on both");
    for (const { client } of cluster.writers) {
      await sees(client, () => client.count === 6 && client.shown.length === 6, () => [client.count, client.shown]);
    }
    cluster.begin();
    await cluster.more(300);

    const third = await cluster.addInstance();
    await cluster.addRoom(6);
    assert((await cluster.connections())[2]! > 0, "the new one has its share");
    await cluster.more(300);

    cluster.balancer.remove(portOf(first));
    await first.kill();
    cluster.instances.splice(cluster.instances.indexOf(first), 1);
    await cluster.more(600);
    assertEquals((await cluster.connections()).reduce((sum, count) => sum + count), 12, "all go on at the others");
    assert((cluster.balancer.given.get(portOf(third)) ?? 0) > 0);
    const events = await cluster.check();
    assert(events > 1_200, `${events} events`);
  },
);

clusterTest(
  "the database goes away for 10 s: what is written waits and is called not stored; then all of it is, once",
  async (cluster) => {
    await cluster.addInstance();
    await cluster.addInstance();
    await cluster.addRoom(6);
    cluster.begin();
    await cluster.more(200);

    const told = Promise.all(cluster.writers.map(({ client }) => client.until(() => client.frames.some(isNotStored))));
    await cluster.denokv.kill();
    // Commits under way may still be acked; after that nothing is acked, because nothing is stored.
    await pause(500);
    const acked = cluster.acked;
    await pause(9_500);
    assertEquals(cluster.acked, acked, "an ack without a database");
    await told;
    const health = await fetch(`${cluster.instances[0]!.url}/health`);
    assertEquals([health.status, (await health.json()).status], [503, "down"]);

    await cluster.denokv.start();
    const backAt = performance.now();
    await cluster.more(1);
    const ackedAfterMs = performance.now() - backAt;
    assert(ackedAfterMs < 10_000, `the first ack came ${ackedAfterMs} ms after the database`);
    await cluster.more(200);
    await cluster.check();
  },
);

clusterTest(
  "a new build is deployed instance by instance under traffic: each old one is gone within 5 s, nothing lost or twice",
  async (cluster) => {
    const next = "the next release";
    await Promise.all([builtServer(), builtServer(next)]);
    for (let count = 0; count < 3; count++) await cluster.addInstance();
    await cluster.addRoom(9);
    cluster.begin();
    for (const old of [...cluster.instances]) {
      await cluster.more(100);
      await cluster.addInstance({ release: next });
      cluster.balancer.remove(portOf(old));
      const askedAt = performance.now();
      await old.stop();
      const tookMs = performance.now() - askedAt;
      assert(tookMs < 5_000, `stopping took ${tookMs} ms`);
      cluster.instances.splice(cluster.instances.indexOf(old), 1);
    }
    await cluster.more(200);
    assertEquals((await cluster.connections()).reduce((sum, count) => sum + count), 9);
    await cluster.check();
  },
);
