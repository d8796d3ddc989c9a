/**
 * P6 over real sockets: a real server gets 100,000 frames of junk while honest people chat on. It answers each by name,
 * its memory stays flat, and nobody honest notices.
 *
 * A failure names its seed: `SEED=123 deno test -A tests/fuzz` runs it again (FRAMES=1000 makes it shorter).
 */
import { assert, assertEquals } from "@std/assert";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { closeReasonOf } from "../../lib/protocol/codes.ts";
import { decodeServerFrame, type ServerFrame } from "../../lib/protocol/frames.ts";
import type { RoomId, WireEvent } from "../../lib/protocol/event.ts";
import { PROTOCOL_VERSION } from "../../lib/protocol/limits.ts";
import type { Signer } from "../../lib/crypto/signing.ts";
import { type Address, clientOf, makeRoom, pause } from "../faults/writers.ts";
import { SeededRandom } from "../simulation/random.ts";
import { HeaderWebSocket, type TestClient } from "../support/client.ts";
import { liveHeapBytes } from "../support/live_heap.ts";
import { residentBytes, startServer } from "../support/server_process.ts";
import { type Answer, type Junk, junkBeforeHello, junkInRoom } from "./junk.ts";
import { brokenHandshakes } from "./raw_sockets.ts";

const SEED = Number(Deno.env.get("SEED") ?? 1);
const FRAMES = Number(Deno.env.get("FRAMES") ?? 100_000);
const ATTACKERS = 16;
const CHATTERS = 8;
const CHAT_EVERY_MS = 1_000;
/** An honest message on a machine that also makes the junk. */
const CHAT_P99_MS = 5_000;
/**
 * The memory that the server may gain between the first half of the junk, when all caches are warm, and its end: live
 * objects, and honest messages are among them. 1.9 KB that each connection left behind would be more.
 */
const LIVE_GROWTH_MAX_BYTES = 6 * 1024 * 1024;
/** All memory of the process, with the garbage that V8 has not collected yet and what allocators keep. */
const RESIDENT_MAX_BYTES = 512 * 1024 * 1024;

Deno.test(`${FRAMES} frames of junk are answered by name, memory stays flat, others chat on (seed ${SEED})`, async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-fuzz-" });
  const server = await startServer({
    dataDir,
    inspected: true,
    // All junk comes from one address.
    env: { FESTIVAL_ADDRESS_CONNECTIONS_PER_MINUTE: "1000000" },
  });
  const address: Address = { url: server.url };
  try {
    const { id: room } = await makeRoom(address);
    const chat = await Chat.start(address, room);
    const tally: Tally = { frames: 0, answered: 0, connections: 0, sorts: new Map(), closes: new Map(), wrong: [] };
    const attack = async (upTo: number) => {
      await Promise.all(Array.from({ length: ATTACKERS }, async (_, number) => {
        const random = new SeededRandom(SEED, `attacker ${number} from ${tally.frames}`);
        while (tally.frames < upTo && tally.wrong.length === 0) {
          await attackOnce(address, room, random, chat.seen, tally);
        }
      }));
    };
    await attack(FRAMES / 2);
    const warm = await liveHeapBytes(server.inspectorPort!);
    await attack(FRAMES);
    await brokenHandshakes(address, room, new SeededRandom(SEED, "raw"), 300);
    const resident = await residentBytes(server.pid);
    const after = await liveHeapBytes(server.inspectorPort!);

    assertEquals(tally.wrong, [], `seed ${SEED}`);
    const resets = tally.closes.get("reset") ?? 0;
    assert(resets < tally.connections / 20, `${resets} of ${tally.connections} connections ended without a goodbye`);
    assert(after - warm < LIVE_GROWTH_MAX_BYTES, `live objects grew from ${warm} to ${after} bytes (seed ${SEED})`);
    assert(resident < RESIDENT_MAX_BYTES, `the process has ${resident} bytes (seed ${SEED})`);
    const { delays } = await chat.end();
    const p99 = delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)]!;
    assert(p99 < CHAT_P99_MS, `an honest message took ${p99} ms (seed ${SEED})`);
    const health = await (await fetch(`${server.url}/health`)).json();
    assertEquals(health.status, "ok");
    console.log(summaryOf(tally, { warm, after, resident, p99, messages: delays.length }));
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
});

interface Tally {
  frames: number;
  /** Frames whose answer came, the others were sent to a connection that said goodbye. */
  answered: number;
  connections: number;
  sorts: Map<string, number>;
  closes: Map<string, number>;
  /** Answers that no documented server gives. */
  wrong: string[];
}

// ---- the attackers ----

/** Frames sent to one connection: some more than it takes to be thrown out. */
const FRAMES_PER_CONNECTION = 24;
/** How long an answer may take on a loaded machine. */
const ANSWER_WITHIN_MS = 20_000;

/** One connection: hello or not, junk, and a look at every answer. */
async function attackOnce(
  address: Address,
  room: RoomId,
  random: SeededRandom,
  seen: readonly WireEvent[],
  tally: Tally,
): Promise<void> {
  // Each from an address of its own: the budget of one would end before the junk does.
  const from = `10.0.${tally.connections >> 8}.${tally.connections++ & 255}`;
  const socket = new Socket(`${address.url.replace("http", "ws")}/api/rooms/${room}/socket`, from);
  const challenge = await socket.next("challenge");
  if (challenge === undefined) return void tally.wrong.push(`no challenge, closed with ${socket.code}`);
  const signer = await (await ed25519()).signer(random.bytes(32));
  const joins = random.chance(0.85);
  if (joins) {
    socket.send(await helloOf(room, challenge.nonce, signer));
    if (await socket.next("welcome") === undefined) {
      return void tally.wrong.push(`no welcome, closed with ${socket.code}`);
    }
  } else if (random.chance(0.3)) {
    return await wrongHello(socket, room, challenge.nonce, signer, random, tally);
  }
  const setting = { room, signer, seen, nowMs: Date.now() };
  const sent: Junk[] = [];
  // Some blast everything out at once, most wait for answers now and then.
  const atOnce = random.chance(0.05) ? FRAMES_PER_CONNECTION : random.between(1, 6);
  while (sent.length < FRAMES_PER_CONNECTION && socket.code === undefined) {
    for (let count = 0; count < atOnce && socket.code === undefined; count++) {
      const junk = await (joins ? junkInRoom(random, setting) : junkBeforeHello(random, setting));
      sent.push(junk);
      tally.frames++;
      tally.sorts.set(junk.sort, (tally.sorts.get(junk.sort) ?? 0) + 1);
      socket.send(junk.data);
    }
    await socket.until(() => socket.code !== undefined || isAnswered(sent, socket));
    if (socket.late) break;
  }
  const missing = unanswered(sent, socket.frames);
  tally.answered += sent.length - missing.length;
  if (socket.code === undefined) {
    // Nothing may be left unanswered on a connection that lives.
    for (const { sort, data } of missing) tally.wrong.push(`${sort} was not answered: ${String(data).slice(0, 300)}`);
  } else {
    const goodbye = socket.frames.find((frame) => frame.type === "goodbye");
    // Writing while the other end hangs up may cause a TCP reset, which discards even data that had arrived.
    const reason = closeReasonOf(socket.code) ?? goodbye?.reason ?? "reset";
    tally.closes.set(reason, (tally.closes.get(reason) ?? 0) + 1);
    // Before the hello, a second one is a first one, and says nothing right.
    const fair = joins ? ["bad_frames", "reset"] : ["bad_frames", "reset", "bad_hello", "unsupported_version"];
    if (!fair.includes(reason)) tally.wrong.push(`closed as ${reason} after ${sent.map(({ sort }) => sort)}`);
  }
  for (const text of socket.unreadable) tally.wrong.push(`an answer that is no frame: ${text.slice(0, 300)}`);
  await socket.close();
}

async function helloOf(room: RoomId, nonce: string, signer: Signer, name = "Mallory"): Promise<string> {
  const payload = JSON.stringify({ hello: 1, nonce, room, author: signer.author, name });
  return JSON.stringify({ type: "hello", version: PROTOCOL_VERSION, proof: [payload, await signer.sign(payload)] });
}

/** A hello that proves nothing ends the connection with the documented reason. */
async function wrongHello(
  socket: Socket,
  room: RoomId,
  nonce: string,
  signer: Signer,
  random: SeededRandom,
  tally: Tally,
): Promise<void> {
  const other = (await ed25519()).signer(random.bytes(32));
  const right = JSON.parse(await helloOf(room, nonce, signer));
  const [sort, hello, reason] = random.pick(
    [
      ["another nonce", JSON.parse(await helloOf(room, "A".repeat(22), signer)), "bad_hello"],
      ["another room", JSON.parse(await helloOf("A".repeat(22), nonce, signer)), "bad_hello"],
      ["another key", { ...right, proof: [right.proof[0], await (await other).sign(right.proof[0])] }, "bad_hello"],
      ["a blank name", JSON.parse(await helloOf(room, nonce, signer, " \u00a0 ")), "bad_hello"],
      ["no proof", { ...right, proof: ["{}", right.proof[1]] }, "bad_hello"],
      ["a nested proof", { ...right, proof: ["[".repeat(9_000), right.proof[1]] }, "bad_hello"],
      ["another version", { ...right, version: 2 ** 40 }, "unsupported_version"],
    ] as const,
  );
  tally.frames++;
  tally.sorts.set(`hello: ${sort}`, (tally.sorts.get(`hello: ${sort}`) ?? 0) + 1);
  socket.send(JSON.stringify(hello));
  await socket.until(() => socket.code !== undefined);
  if (closeReasonOf(socket.code ?? 0) === reason) tally.answered++;
  else tally.wrong.push(`a hello with ${sort} was answered with ${socket.code}`);
  tally.closes.set(reason, (tally.closes.get(reason) ?? 0) + 1);
}

/** Whether the answers to everything sent have come; the long look only when there may be enough of them. */
function isAnswered(sent: readonly Junk[], { frames, answers }: Socket): boolean {
  let due = 0;
  for (const junk of sent) for (const { type } of junk.answers) if (type !== "anything") due++;
  return answers >= due && unanswered(sent, frames).length === 0;
}

/** The junk whose answers did not all come. Each answer counts for one frame, problems in the order of the frames. */
function unanswered(sent: readonly Junk[], frames: readonly ServerFrame[]): Junk[] {
  const left = frames.flatMap((frame): ServerFrame[] =>
    frame.type === "ack" ? frame.acks.map((ack) => ({ type: "ack", acks: [ack] })) : [frame]
  );
  const take = (answer: Answer): boolean => {
    if (answer.type === "anything") return true;
    const at = left.findIndex((frame) => fits(answer, frame));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  };
  return sent.filter(({ answers }) => !answers.every(take));
}

function fits(answer: Answer, frame: ServerFrame): boolean {
  switch (answer.type) {
    case "problem":
      return frame.type === "problem" && (frame.problem === answer.problem || frame.problem === "busy");
    case "refused":
      return frame.type === "refused" && frame.id === answer.id && answer.reasons.includes(frame.reason);
    case "ack":
      return frame.type === "ack" && frame.acks.some(([id]) => id === answer.id);
    case "pong":
      return frame.type === "pong";
    case "page":
      return frame.type === "page" || (frame.type === "problem" && frame.problem === "busy");
    case "anything":
      return true;
  }
}

/** A socket that keeps everything it got. */
class Socket {
  readonly frames: ServerFrame[] = [];
  readonly unreadable: string[] = [];
  /** Frames so far, each ack in one counted. */
  answers = 0;
  /** The close code once it is closed. */
  code: number | undefined;
  late = false;
  readonly #socket: WebSocket;
  #wake = () => {};

  constructor(url: string, from: string) {
    this.#socket = new HeaderWebSocket(url, { headers: { "x-forwarded-for": from } });
    this.#socket.onmessage = ({ data }) => {
      const decoded = decodeServerFrame(data);
      if (decoded.ok) {
        this.frames.push(decoded.frame);
        this.answers += decoded.frame.type === "ack" ? decoded.frame.acks.length : 1;
      } else this.unreadable.push(String(data));
      this.#wake();
    };
    this.#socket.onclose = ({ code }) => {
      this.code = code;
      this.#wake();
    };
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /** Resolves when `test` holds, or when it takes too long: then the socket is `late` for good. */
  async until(test: () => boolean): Promise<void> {
    const timer = setTimeout(() => {
      this.late = true;
      this.#wake();
    }, ANSWER_WITHIN_MS);
    while (!this.late && !test()) await new Promise<void>((resolve) => this.#wake = resolve);
    clearTimeout(timer);
  }

  async next<Type extends ServerFrame["type"]>(type: Type): Promise<Extract<ServerFrame, { type: Type }> | undefined> {
    const find = () => this.frames.find((frame): frame is Extract<ServerFrame, { type: Type }> => frame.type === type);
    await this.until(() => find() !== undefined || this.code !== undefined);
    return find();
  }

  async close(): Promise<void> {
    if (this.code === undefined) this.#socket.close();
    await this.until(() => this.code !== undefined);
  }
}

// ---- the honest ----

/** People who write at the usual pace and see everything of each other. */
class Chat {
  /** Their events, as everybody can see and replay them. */
  readonly seen: WireEvent[] = [];
  readonly #clients: TestClient[];
  readonly #delays: number[] = [];
  readonly #written = new Set<string>();
  #failure: { error: unknown } | undefined;
  #stopped = false;
  readonly #talking: Promise<void>[];

  private constructor(clients: TestClient[]) {
    this.#clients = clients;
    this.#talking = clients.map((client, number) =>
      this.#talk(client, number).catch((error) => void (this.#failure ??= { error }))
    );
  }

  static async start(address: Address, room: RoomId): Promise<Chat> {
    const clients: TestClient[] = [];
    for (let number = 0; number < CHATTERS; number++) {
      const client = await clientOf(address, room, `chatter ${number}`);
      await client.connect();
      clients.push(client);
    }
    return new Chat(clients);
  }

  async #talk(client: TestClient, number: number): Promise<void> {
    await pause((number * CHAT_EVERY_MS) / CHATTERS);
    for (let count = 1; !this.#stopped; count++) {
      const text = `chatter ${number} says ${count}`;
      const startedAt = performance.now();
      const event = await client.signText(text);
      client.sendEvents(event);
      await client.stored(event.id);
      this.#delays.push(performance.now() - startedAt);
      this.#written.add(text);
      this.seen.push(event.wire);
      if (this.seen.length > 200) this.seen.shift();
      await pause(CHAT_EVERY_MS);
    }
  }

  /** Everybody got everything, on the connection of the beginning. */
  async end(): Promise<{ delays: number[] }> {
    this.#stopped = true;
    await Promise.all(this.#talking);
    if (this.#failure !== undefined) throw this.#failure.error;
    const head = Math.max(...this.#clients.flatMap(({ acked }) => [...acked.values()]));
    for (const client of this.#clients) {
      await client.holds(head);
      assertEquals(client.violations, []);
      assertEquals(new Set(client.texts), this.#written, "something else than what honest people wrote is in the room");
      assertEquals(client.texts.length, this.#written.size);
      await client.close();
    }
    return { delays: this.#delays };
  }
}

function summaryOf(
  tally: Tally,
  { warm, after, resident, p99, messages }: Record<"warm" | "after" | "resident" | "p99" | "messages", number>,
): string {
  const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  return [
    `${tally.frames} frames on ${tally.connections} connections, ${tally.answered} answered by name before the goodbye`,
    `server: live objects ${megabytes(warm)} after a half, ${megabytes(after)} in the end; ${
      megabytes(resident)
    } in all`,
    `${messages} honest messages, p99 ${p99.toFixed(0)} ms`,
    `closed: ${[...tally.closes].map(([reason, count]) => `${reason} ${count}`).join(", ")}`,
    [...tally.sorts].map(([sort, count]) => `${sort} ${count}`).join(", "),
  ].join("\n");
}
