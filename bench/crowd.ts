/**
 * A room full of real sockets whose server dies and comes back. Each is a small client (tests/support/client.ts) that comes
 * back when the production policy says: a thousand whole sessions, screens' signals included, would need more cores than
 * the server.
 */
import { retryDelayMs, STABLE_AFTER_MS } from "../lib/routing/backoff.ts";
import { CONNECT_TIMEOUT_MS } from "../lib/session/limits.ts";
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

  const open = webSocketWire(`${first.url.replace("http", "ws")}/api/rooms/${room}/socket`);
  const phones: TestClient[] = [];
  // They came one after the other, not together.
  for (let from = 0; from < sockets; from += 50) {
    const some = Array.from({ length: 50 }, (_, i) => TestClient.join({ open, room, name: `Phone ${from + i}` }));
    phones.push(...await Promise.all(some));
  }
  await pause(STABLE_AFTER_MS);
  if (phones.some(({ welcome, closeCode }) => welcome === undefined || closeCode !== undefined)) {
    throw new Error("not everybody was in the room before");
  }

  let tries = 0;
  const refusals: Record<string, number> = {};
  const comeBack = async (phone: TestClient) => {
    await phone.closed();
    for (let failures = 0, reason: "lost" | "rate_limited" | "overloaded" = "lost", retryAfterMs;; failures++) {
      const lost = { reason, failures, wasStable: failures === 0, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      await pause(Number(retryDelayMs(lost, Math.random())));
      tries++;
      const late = setTimeout(() => void phone.close(), CONNECT_TIMEOUT_MS);
      const welcome = await phone.connect();
      clearTimeout(late);
      if (welcome !== undefined) return;
      const goodbye = phone.frames.find((frame) => frame.type === "goodbye");
      reason = goodbye?.reason === "rate_limited" || goodbye?.reason === "overloaded" ? goodbye.reason : "lost";
      retryAfterMs = goodbye?.retryAfterMs;
      const name = goodbye?.reason ?? "no answer";
      refusals[name] = (refusals[name] ?? 0) + 1;
    }
  };
  const coming = phones.map(comeBack);

  await first.kill();
  const killedAt = performance.now();
  const second = await startServer({ dataDir, port: Number(new URL(first.url).port) });
  const answeredAt = performance.now();
  const writer = await TestClient.join({ open, room, name: "Writer" });
  const { position } = await writer.say("we are back");
  const returned: number[] = [];
  await Promise.all(phones.map(async (phone, at) => {
    await coming[at];
    await phone.holds(position);
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
  const violations = [...phones, writer].flatMap(({ violations }) => violations);
  if (violations.length > 0) throw new Error(violations.slice(0, 5).join("\n"));
  await second.kill();
  return report;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
