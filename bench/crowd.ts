/**
 * A room full of real sockets whose server is killed and restarted. Each socket reconnects by the production policy and
 * reads only what it must: a thousand full sessions in one process would need more CPU than the server.
 */
import { ed25519 } from "../lib/crypto/ed25519.ts";
import type { Signer } from "../lib/crypto/signing.ts";
import type { RoomId } from "../lib/protocol/event.ts";
import type { HelloProof } from "../lib/protocol/client_frames.ts";
import { PROTOCOL_VERSION } from "../lib/protocol/limits.ts";
import { retryDelayMs, STABLE_AFTER_MS } from "../lib/routing/backoff.ts";
import { CONNECT_TIMEOUT_MS } from "../lib/session/ports/session_limits.ts";
import { newGenesis, TestClient, webSocketWire } from "../tests/support/client.ts";
import { startServer } from "../tests/support/server_process.ts";
import { LoadSocket, maskedFrame } from "./load_socket.ts";

export interface CrowdReport {
  sockets: number;
  /** From the end of the old process to the first answer of the new one, ms. */
  downMs: number;
  /** From that answer until half of them, and all, hold what was written after it, ms. */
  halfMs: number;
  allMs: number;
  /** Connections opened after the old process ended. */
  tries: number;
  /** Failed attempts by goodbye reason, and those without a server or an answer. */
  refusals: Record<string, number>;
}

/** Connects all sockets, then kills the server and restarts it at once, with production limits. */
export async function returnOfTheCrowd(
  { dataDir, sockets }: { dataDir: string; sockets: number },
): Promise<CrowdReport> {
  const first = await startServer({ dataDir });
  const genesis = await newGenesis();
  const { room } = genesis;
  const made = await fetch(`${first.url}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) });
  if (made.status !== 201) throw new Error(`the room was not made: ${made.status} ${await made.text()}`);
  await made.body?.cancel();

  const open = webSocketWire(`${first.url.replace("http", "ws")}/api/rooms/${room}/socket`);
  const port = Number(new URL(first.url).port);
  const report: CrowdReport = { sockets, downMs: 0, halfMs: 0, allMs: 0, tries: 0, refusals: {} };
  const phones: Phone[] = [];
  // The sockets connected one after the other, not at once.
  for (let from = 0; from < sockets; from += 50) {
    const some = await Promise.all(Array.from({ length: 50 }, async () => new Phone(port, room, await newSigner())));
    await Promise.all(some.map((phone) => phone.join()));
    phones.push(...some);
  }
  await pause(STABLE_AFTER_MS);
  const coming = phones.map((phone) => phone.comeBack(report));

  await first.kill();
  const killedAt = performance.now();
  const second = await startServer({ dataDir, port });
  const answeredAt = performance.now();
  const writer = await TestClient.join({ open, room, name: "Writer" });
  await writer.say(MARK);
  await Promise.all(coming);
  const returned = phones.map(({ syncedAt }) => syncedAt - answeredAt).sort((a, b) => a - b);
  for (const phone of phones) phone.close();
  await writer.close();
  await second.kill();
  report.downMs = answeredAt - killedAt;
  report.halfMs = returned[Math.floor(sockets / 2)]!;
  report.allMs = returned.at(-1)!;
  return report;
}

/** The message written after the restart. */
const MARK = "we are back";
const latin1 = new TextDecoder("latin1");
const TYPE_AT = '{"type":"'.length;
const P = "p".charCodeAt(0);

async function newSigner(): Promise<Signer> {
  return await (await ed25519()).signer(crypto.getRandomValues(new Uint8Array(32)));
}

class Phone {
  /** When the mark arrived. */
  syncedAt = 0;
  readonly #port: number;
  readonly #room: RoomId;
  readonly #signer: Signer;
  #socket: LoadSocket | undefined;
  #ended = Promise.withResolvers<void>();
  #synced = Promise.withResolvers<void>();
  #goodbye: { reason: string; retryAfterMs?: number } | undefined;

  constructor(port: number, room: RoomId, signer: Signer) {
    this.#port = port;
    this.#room = room;
    this.#signer = signer;
  }

  /** Opens a connection. Returns whether it was welcomed. */
  async join(): Promise<boolean> {
    this.#ended = Promise.withResolvers();
    this.#goodbye = undefined;
    const welcomed = Promise.withResolvers<void>();
    let socket: LoadSocket;
    try {
      socket = await LoadSocket.open(this.#port, `/api/rooms/${this.#room}/socket`);
    } catch {
      this.#goodbye = { reason: "nobody there" };
      return false;
    }
    this.#socket = socket;
    socket.onEnd = () => this.#ended.resolve();
    socket.onText = (payload) => {
      // Most frames are presence.
      if (payload[TYPE_AT] === P) return;
      const text = latin1.decode(payload);
      if (text.includes(MARK)) this.#arrived();
      const frame = text.startsWith('{"type":"events"') ? undefined : JSON.parse(text);
      if (frame?.type === "welcome") welcomed.resolve();
      else if (frame?.type === "goodbye") this.#goodbye = frame;
      else if (frame?.type === "challenge") void this.#hello(frame.nonce);
    };
    void socket.read();
    const late = Promise.withResolvers<false>();
    const timer = setTimeout(() => late.resolve(false), CONNECT_TIMEOUT_MS);
    const joined = await Promise.race([
      welcomed.promise.then(() => true),
      this.#ended.promise.then(() => false),
      late.promise,
    ]);
    clearTimeout(timer);
    if (!joined) socket.close();
    return joined;
  }

  /** Waits for the end of the connection, then reconnects until it has the mark. */
  async comeBack(report: CrowdReport): Promise<void> {
    await this.#ended.promise;
    let reason: "lost" | "rate_limited" | "overloaded" = "lost";
    let retryAfterMs: number | undefined;
    for (let failures = 0;; failures++) {
      const lost = { reason, failures, wasStable: failures === 0, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      await pause(Number(retryDelayMs(lost, Math.random())));
      report.tries++;
      if (await this.join()) return await this.#synced.promise;
      const goodbye: { reason: string; retryAfterMs?: number } | undefined = this.#goodbye;
      reason = goodbye?.reason === "rate_limited" || goodbye?.reason === "overloaded" ? goodbye.reason : "lost";
      retryAfterMs = goodbye?.retryAfterMs;
      const name = goodbye?.reason ?? "no welcome";
      report.refusals[name] = (report.refusals[name] ?? 0) + 1;
    }
  }

  close(): void {
    this.#socket?.close();
  }

  #arrived(): void {
    if (this.syncedAt > 0) return;
    this.syncedAt = performance.now();
    this.#synced.resolve();
  }

  async #hello(nonce: string): Promise<void> {
    const { author } = this.#signer;
    const proof: HelloProof = { hello: 1, nonce, room: this.#room, author, name: "Phone" };
    const payload = JSON.stringify(proof);
    const signature = await this.#signer.sign(payload);
    const hello = { type: "hello", version: PROTOCOL_VERSION, proof: [payload, signature] };
    this.#socket?.write(maskedFrame(JSON.stringify(hello)));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
