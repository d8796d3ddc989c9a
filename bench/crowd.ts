/** A room full of real sockets whose server dies and comes back: the production sessions, without their screens. */
import { ed25519 } from "../lib/crypto/ed25519.ts";
import { memoryStorage } from "../lib/session/memory_storage.ts";
import { openRoomSession } from "../lib/session/room_session.ts";
import { clock, random, steady, timers } from "../lib/session/surroundings.ts";
import { socketRoad } from "../lib/transport/socket.ts";
import { newFounding, TestClient, webSocketWire } from "../tests/support/client.ts";
import { startServer } from "../tests/support/server_process.ts";

export interface CrowdReport {
  sockets: number;
  /** From the end of the old process to the first answer of the new one, ms. */
  downMs: number;
  /** From that answer until half of them, and all, hold what was written after it, ms. */
  halfMs: number;
  allMs: number;
  /** Connections opened after the old process ended. */
  tries: number;
  /** Goodbyes of the new process, by their reason. */
  refusals: Record<string, number>;
}

/** All of them are live; the server is killed and starts anew at once, with the limits of production. */
export async function returnOfTheCrowd(
  { dataDir, sockets }: { dataDir: string; sockets: number },
): Promise<CrowdReport> {
  const first = await startServer({ dataDir });
  const founding = await newFounding();
  const { room } = founding;
  const made = await fetch(`${first.url}/api/rooms`, { method: "POST", body: JSON.stringify(founding.wire) });
  if (made.status !== 201) throw new Error(`the room was not made: ${made.status} ${await made.text()}`);
  await made.body?.cancel();

  const url = `${first.url.replace("http", "ws")}/api/rooms/${room}/socket`;
  let tries = 0;
  const refusals: Record<string, number> = {};
  const signatures = await ed25519();
  const sessions = Array.from({ length: sockets }, (_, i) =>
    openRoomSession({
      clock,
      steady,
      timers,
      random,
      storage: memoryStorage(),
      ed25519: signatures,
      openRoad(events) {
        tries++;
        return socketRoad(new WebSocket(url), events);
      },
    }, { room, name: `Phone ${i}` }));
  for (const { connection } of sessions) {
    connection.subscribe((state) => {
      if (state.state !== "disconnected" || state.reason === "lost" || state.reason === "offline") return;
      refusals[state.reason] = (refusals[state.reason] ?? 0) + 1;
    });
  }
  await Promise.all(sessions.map((session) => reached(session.connection, ({ state }) => state === "connected")));
  const refusedBefore = Object.keys(refusals).length;
  if (refusedBefore > 0) throw new Error(`refused at the first arrival: ${JSON.stringify(refusals)}`);

  await first.kill();
  tries = 0;
  const killedAt = performance.now();
  const second = await startServer({ dataDir, port: Number(new URL(first.url).port) });
  const answeredAt = performance.now();
  const writer = await TestClient.join({ open: webSocketWire(url), room, name: "Writer" });
  await writer.say("we are back");
  const returned: number[] = [];
  await Promise.all(sessions.map(async (session) => {
    await reached(
      session.messages,
      (items) => items.some((item) => item.type === "message" && item.text === "we are back"),
    );
    returned.push(performance.now() - answeredAt);
  }));
  const report = {
    sockets,
    downMs: answeredAt - killedAt,
    halfMs: returned[Math.floor(sockets / 2)]!,
    allMs: returned.at(-1)!,
    tries,
    refusals,
  };
  for (const session of sessions) session.dispose();
  await writer.close();
  await second.kill();
  return report;
}

/** Resolves when a signal has such a value. */
function reached<Value>(
  signal: { subscribe(hear: (value: Value) => void): () => void },
  fits: (value: Value) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let done = false;
    stop = signal.subscribe((value) => {
      if (done || !fits(value)) return;
      done = true;
      // The first call comes before there is anything to stop.
      queueMicrotask(() => stop?.());
      resolve();
    });
  });
}
