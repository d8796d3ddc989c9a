/**
 * P1 with a real process: the server is killed by SIGKILL in the middle of traffic, again and again, on the embedded
 * database. Real signatures, real sockets.
 */
import { assert } from "@std/assert";
import { SeededRandom } from "../simulation/random.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { type Address, checkRoom, clientOf, makeRoom, pause, Writer } from "./writers.ts";

const KILLS = 20;
const ROOMS = 3;
const WRITERS_PER_ROOM = 8;

Deno.test(`${KILLS} times kill -9 in the middle of traffic: nothing acked is lost, nothing is stored twice`, async () => {
  const random = new SeededRandom(Number(Deno.env.get("SEED") ?? 1), "kill");
  const dataDir = await Deno.makeTempDir({ prefix: "festival-kill-" });
  const env = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
  let server: ServerProcess = await startServer({ dataDir, env });
  const address: Address = { url: server.url };
  try {
    const start = Promise.withResolvers<void>();
    const rooms: Writer[][] = [];
    for (let room = 0; room < ROOMS; room++) {
      const { id } = await makeRoom(address);
      const writers: Writer[] = [];
      for (let writer = 0; writer < WRITERS_PER_ROOM; writer++) {
        writers.push(new Writer(await clientOf(address, id, `writer ${room}.${writer}`), start.promise));
      }
      rooms.push(writers);
    }
    const writers = rooms.flat();
    await Promise.all(writers.map(({ client }) => client.until(() => client.welcome !== undefined)));
    start.resolve();
    const acked = () => writers.reduce((sum, { client }) => sum + client.acked.size, 0);
    let ackedBefore = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      // In the middle of traffic: everybody is back, and acks are coming.
      const enough = ackedBefore + random.between(50, 400);
      while (acked() < enough) await pause(5);
      await pause(random.between(0, 30));
      await server.kill();
      ackedBefore = acked();
      server = await startServer({ dataDir, env });
      address.url = server.url;
    }
    for (const writer of writers) writer.stop();
    await Promise.all(writers.map(({ done }) => done));
    let events = 0;
    for (const room of rooms) events += (await checkRoom(room)).events;
    assert(events > KILLS * 50, `only ${events} events were written`);
    await Promise.all(writers.map(({ client }) => client.close()));
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
});
