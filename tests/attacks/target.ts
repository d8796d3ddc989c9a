/**
 * The server under attack: the built one, in a process of its own on one core, with production's defaults. Attackers are
 * processes of their own as well, so that their work delays neither the server nor the people who are measured.
 */
import { memoryKbOf } from "../../bench/usage.ts";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { type Signer, signEvent } from "../../lib/crypto/signing.ts";
import type { RoomKind, WireEvent } from "../../lib/protocol/event.ts";
import { openKv } from "../../lib/store/open_kv.ts";
import { openStore } from "../../lib/store/store.ts";
import { restoreBackup } from "../../lib/server/admin/backup.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { newGenesis } from "../support/client.ts";
import { startServer } from "../support/server_process.ts";
import { contentOf, type RoomOfPeople } from "./people.ts";

/** A running server. Disposing of it ends the process and deletes its data. */
export interface Target extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  readonly log: readonly string[];
  /** Bytes of all files in the data folder. */
  dataBytes(): number;
  /** Makes a room as the home page does. */
  newRoom(roomKind?: RoomKind): Promise<RoomOfPeople>;
  /** RAM of the process now, MB. */
  memoryMb(): number;
}

export interface TargetOptions {
  /** Settings beside production's defaults. */
  env?: Record<string, string>;
  /** Fills the data folder before the server starts. */
  prepare?(dataDir: string): Promise<void>;
}

export async function startTarget({ env = {}, prepare }: TargetOptions = {}): Promise<Target> {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-attack-" });
  await prepare?.(dataDir);
  const server = await startServer({ dataDir, env });
  await pinToOneCore(server.pid);
  return {
    pid: server.pid,
    url: server.url,
    log: server.log,
    dataBytes: () =>
      [...Deno.readDirSync(dataDir)].reduce((sum, { name }) => sum + Deno.statSync(`${dataDir}/${name}`).size, 0),
    port: Number(new URL(server.url).port),
    async newRoom(roomKind = "unlisted") {
      const name = roomKind === "sealed" ? sealedText() : "Main stage";
      const genesis = await newGenesis({ roomKind, name, at: Date.now() });
      const made = await fetch(`${server.url}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) });
      if (made.status !== 201) throw new Error(`the room was not made: ${made.status} ${await made.text()}`);
      await made.body?.cancel();
      return { id: genesis.room, sealed: roomKind === "sealed" };
    },
    memoryMb: () => memoryKbOf(server.pid) / 1_024,
    async [Symbol.asyncDispose]() {
      await server.kill();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** The figures are those of one core, whatever machine this is. */
async function pinToOneCore(pid: number): Promise<void> {
  const core = String(navigator.hardwareConcurrency - 1);
  try {
    await new Deno.Command("taskset", { args: ["-a", "-c", "-p", core, String(pid)], stdout: "null", stderr: "null" })
      .output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** As long as a sealed name is; nobody here can open it. */
function sealedText(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(48)));
}

/** A room that people had before the server was started. */
export interface OldRoom extends RoomOfPeople {
  /** Its people; each has written `lastN` events. */
  people: { signer: Signer; lastN: number }[];
  /** The marks of their messages. */
  marks: string[];
}

/** Puts a room with this many messages of this many people into an empty database, as a restored backup does. */
export async function putOldRoom(
  dataDir: string,
  { people: count, messages, sealed = false }: { people: number; messages: number; sealed?: boolean },
): Promise<OldRoom> {
  const at = Date.now();
  const roomKind = sealed ? "sealed" : "unlisted";
  const name = sealed ? sealedText() : "Main stage";
  const genesis = await newGenesis({ roomKind, name, at });
  const room: RoomOfPeople = { id: genesis.room, sealed };
  const { signer } = await ed25519();
  const people = await Promise.all(
    Array.from({ length: count }, async () => ({
      signer: await signer(crypto.getRandomValues(new Uint8Array(32))),
      lastN: 0,
    })),
  );
  const events: WireEvent[] = [genesis.wire];
  const marks: string[] = [];
  for (let index = 0; index < messages; index++) {
    const person = people[index % count]!;
    const { mark, content } = contentOf(room, "We are left of the big tree, bring some water");
    const header = { room: room.id, n: ++person.lastN, clock: index + 2, at };
    events.push((await signEvent(person.signer, header, content)).wire);
    marks.push(mark);
  }
  const head = {
    epoch: toBase64Url(crypto.getRandomValues(new Uint8Array(8))),
    head: events.length,
    oldest: 1,
    clock: messages + 1,
    lastAt: at,
  };
  const info = {
    id: room.id,
    kind: roomKind,
    name,
    host: genesis.author,
    genesis: genesis.wire,
    createdAt: at,
    ...(sealed ? {} : { code: "able-badger-10" }),
  };
  const lines = [
    { type: "festival-chat-backup", version: 1, at },
    { type: "settings", limits: {}, suggested: [], notices: [], bans: [] },
    { type: "room", version: 1, room: info, head },
    { type: "author", author: genesis.author, lastN: 1 },
    ...people.map(({ signer: { author }, lastN }) => ({ type: "author", author, lastN })),
    ...events.map((event, index) => ({ type: "event", position: index + 1, event, storedAt: at })),
    { type: "end", events: events.length },
  ].map((line) => `${JSON.stringify(line)}\n`).join("");
  const sha256 = toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines))));
  const checksum = { type: "checksum", rooms: 1, events: events.length, auditEntries: 0, sha256 };
  const store = openStore({ kv: await openKv({ path: `${dataDir}/festival.kv` }) });
  try {
    const backup = new Blob([`${lines}${JSON.stringify(checksum)}\n`]).stream();
    await restoreBackup(backup, await ed25519(), store, at);
  } finally {
    store.close();
  }
  return { ...room, people, marks };
}

/** Watches a process's RAM until it is stopped. */
export class MemoryWatch {
  /** Before the attack, MB. */
  readonly normalMb: number;
  peakMb: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(readonly target: Target) {
    this.normalMb = this.peakMb = target.memoryMb();
    this.#timer = setInterval(() => this.peakMb = Math.max(this.peakMb, target.memoryMb()), 100);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/**
 * A process that attacks: attackers/NAME.ts, which gets `order` as its argument and prints one JSON object at its end.
 * Disposing of it ends it early.
 */
export interface Attackers extends AsyncDisposable {
  /** The counts that it printed. */
  ended: Promise<Record<string, number>>;
}

export type AttackOrder = { port: number; ms: number } & Record<string, unknown>;

/** Starts attackers; they give way to the server and to the people who are measured, as machines elsewhere would. */
export function startAttackers(name: string, order: AttackOrder): Attackers {
  const module = new URL(`attackers/${name}.ts`, import.meta.url).pathname;
  const child = new Deno.Command("nice", {
    args: ["-n", "10", Deno.execPath(), "run", "-A", module, JSON.stringify(order)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let stopped = false;
  const ended = child.output().then(({ success, stdout }) => {
    const printed = new TextDecoder().decode(stdout);
    if (!success && !stopped) throw new Error(`the attackers of ${name} failed`);
    return success ? JSON.parse(printed) : {};
  });
  return {
    ended,
    async [Symbol.asyncDispose]() {
      stopped = true;
      try {
        child.kill("SIGKILL");
      } catch {
        // It had ended.
      }
      await ended;
    },
  };
}
