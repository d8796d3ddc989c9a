/** A production session against the fake server, under virtual time. */
import type { Clock } from "../../lib/shared/environment.ts";
import type { SessionDeps, SessionMeter, TabChannel } from "../../lib/session/ports/session_deps.ts";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import { RoomSession } from "../../lib/session/room/room_session.ts";
import type { OpenTransport } from "../../lib/transport/transport.ts";
import type { SessionStorage } from "../../lib/session/ports/session_storage.ts";
import { fakeEd25519, FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { SeededRandom } from "../simulation/random.ts";

export interface OpenOptions {
  server: FakeServer;
  disk?: MemoryDisk;
  storage?: SessionStorage;
  tabs?: TabChannel;
  /** Default: straight to the server. */
  openTransport?: OpenTransport;
  meter?: SessionMeter;
  preference?: SessionDeps["preference"];
  onCleared?: SessionDeps["onCleared"];
  secret?: string;
  name?: string;
  seed?: number;
  logs?: string[];
  /** The device's clock, where it is not the true one. */
  clock?: Clock;
  /** Signatures are checked only once this has resolved. */
  checkAfter?: Promise<void>;
}

export function openSession(options: OpenOptions): RoomSession {
  const { server, disk, tabs, meter, preference, onCleared, secret, logs } = options;
  const random = new SeededRandom(options.seed ?? 1, "session");
  return new RoomSession({
    clock: options.clock ?? server.time.clock,
    steady: server.time.clock,
    timers: server.time.timers,
    random,
    storage: options.storage ?? memoryStorage(disk, { lasting: disk !== undefined }),
    memory: () => Promise.resolve(memoryStorage()),
    ed25519: {
      ...fakeEd25519,
      async verify(...signed) {
        await options.checkAfter;
        return await fakeEd25519.verify(...signed);
      },
    },
    openTransport: options.openTransport ?? server.openTransport,
    ...(tabs && { tabs }),
    ...(meter && { meter }),
    ...(preference && { preference }),
    ...(onCleared && { onCleared }),
    log: (line) => logs?.push(line),
  }, { room: server.room.id, name: options.name ?? "Ada", ...(secret !== undefined && { secret }) });
}

/** A server, and a session that is connected and has everything. */
export async function openRoom(options: Omit<OpenOptions, "server"> = {}) {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const session = openSession({ ...options, server });
  await connected(server, session);
  return { time, server, session };
}

/** Waits until the session is connected and has shown what the server has. */
export async function connected(server: FakeServer, session: RoomSession): Promise<void> {
  await server.time.until(() => session.connection.value.state === "connected");
  await server.time.run(200);
}

/** The texts on the screen, one per line. */
export function lines(session: RoomSession): string[] {
  return session.messages.value.map(lineOf);
}

function lineOf(item: TimelineItem): string {
  switch (item.type) {
    case "message":
      return item.delivery === undefined || item.delivery.state === "stored"
        ? item.text
        : `${item.text} (${item.delivery.state})`;
    case "note":
      return item.note === "room_opened" ? `opened ${item.name}` : `renamed ${item.name}`;
    case "gap":
      return item.gone ? `gone ${item.count}` : `gap ${item.count}`;
    default:
      return item.type;
  }
}

/** A BroadcastChannel for tabs of one device: the others receive a message a moment later. */
export function tabHub(time: VirtualTime): () => TabChannel {
  const hearers = new Set<(what: string) => void>();
  return () => {
    const mine = new Set<(what: string) => void>();
    return {
      tell(what) {
        for (const hear of hearers) if (!mine.has(hear)) time.after(1, () => hearers.has(hear) && hear(what));
      },
      listen(hear) {
        mine.add(hear);
        hearers.add(hear);
        return () => void hearers.delete(hear);
      },
    };
  };
}
