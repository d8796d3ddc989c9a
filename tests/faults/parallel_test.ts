/**
 * `deno serve --parallel`: several workers of one process, each a server instance of its own, on one embedded database.
 * Which worker gets a socket is the operating system's choice.
 */
import { assert, assertEquals } from "@std/assert";
import type { TestClient } from "../support/client.ts";
import { startServer } from "../support/server_process.ts";
import { type Address, checkRoom, clientOf, makeRoom, pause, sees, Writer } from "./writers.ts";

/** Odd: two workers never have the same number of connections, so that /health tells them apart. */
const CLIENTS = 13;
const EVENTS_PER_CLIENT = 20;

/** A new room with CLIENTS writers in it, who begin when `start` is resolved. */
async function crowd(address: Address) {
  const { id } = await makeRoom(address);
  const start = Promise.withResolvers<void>();
  const writers: Writer[] = [];
  for (let count = 0; count < CLIENTS; count++) {
    writers.push(new Writer(await clientOf(address, id, `client ${count}`), start.promise));
  }
  return { start, writers, clients: writers.map(({ client }) => client) };
}

Deno.test("clients on different workers of one process see each other and all events in one order", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-parallel-" });
  const env = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
  const server = await startServer({ dataDir, env, workers: 2 });
  const address: Address = { url: server.url };
  try {
    const { start, writers, clients } = await crowd(address);
    const all = (test: (client: TestClient) => boolean) =>
      Promise.all(
        clients.map((client) =>
          sees(
            client,
            () => test(client),
            () => [client.closeCode, client.count, client.shown, client.frames.slice(-3)],
          )
        ),
      );
    await all((client) => client.welcome !== undefined);
    assertEquals(await connectionsPerWorker(address), CLIENTS, "the workers share the connections");
    start.resolve();

    while (writers.some(({ written }) => written.length < EVENTS_PER_CLIENT)) await pause(5);
    for (const writer of writers) writer.stop();
    await Promise.all(writers.map(({ done }) => done));
    await checkRoom(writers);

    await all((client) => client.count === CLIENTS && client.shown.length === CLIENTS);
    const leaving = clients.splice(0, 5);
    await Promise.all(leaving.map((client) => client.close()));
    await all((client) => client.count === CLIENTS - leaving.length);
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("SIGTERM with several workers: every worker sends its clients away with a delay, and the process ends within 5 s", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-parallel-" });
  const env = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
  let server = await startServer({ dataDir, env, workers: 2 });
  const address: Address = { url: server.url };
  try {
    const { start, writers, clients } = await crowd(address);
    await Promise.all(clients.map((client) => client.until(() => client.welcome !== undefined)));
    assertEquals(await connectionsPerWorker(address), CLIENTS, "the workers share the connections");
    start.resolve();
    await Promise.all(clients.map((client) => client.until(() => client.acked.size >= EVENTS_PER_CLIENT)));

    // Told of, not thrown: a rejection before anybody waits for it would end the test run.
    const goodbyes = Promise.allSettled(clients.map((client) => client.waitFor("goodbye")));
    const askedAt = performance.now();
    await server.stop();
    const tookMs = performance.now() - askedAt;
    assert(tookMs < 5_000, `it took ${tookMs} ms`);
    const delays = (await goodbyes).map((goodbye) => {
      if (goodbye.status === "rejected") throw goodbye.reason;
      assertEquals(goodbye.value.reason, "going_away");
      return goodbye.value.retryAfterMs!;
    });
    assert(new Set(delays).size > CLIENTS / 2, `all come back at other times: ${delays}`);

    server = await startServer({ dataDir, env, workers: 2 });
    address.url = server.url;
    for (const writer of writers) writer.stop();
    await Promise.all(writers.map(({ done }) => done));
    await checkRoom(writers);
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
});

/** Asks /health until two workers answered: the sum of their connections. */
async function connectionsPerWorker({ url }: Address): Promise<number> {
  const seen = new Set<number>();
  for (let tries = 0; seen.size < 2 && tries < 500; tries++) {
    // A connection of its own each time, so that another worker may answer.
    const response = await fetch(`${url}/health`, { headers: { connection: "close" } });
    const { connections }: { connections: number } = await response.json();
    seen.add(connections);
  }
  if (seen.size < 2) throw new Error(`only one worker ever answered: ${[...seen]}`);
  return [...seen].reduce((sum, connections) => sum + connections, 0);
}
