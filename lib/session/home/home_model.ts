/**
 * The home page's state and actions: this device's rooms, the listed rooms, making a room, and finding one by its code.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { normalizeDisplayName } from "../../chat/display_name.ts";
import {
  favouriteRooms,
  type KnownRoom,
  recentRooms,
  roomPath,
  withFavourite,
  withOpened,
  withoutRoom,
} from "../../chat/recent_rooms.ts";
import { readTypedRoom } from "../../chat/typed_room.ts";
import type { RoomId, RoomKind, WireEvent } from "../../protocol/event.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { LISTED_POLL_MS, REFUSED_PAUSE_MS } from "../ports/session_limits.ts";
import { makeRoom } from "./make_room.ts";
import { NoticeBoard, type NoticeStorage } from "../room/notice_board.ts";
import type { NoticeView } from "../model/notices_model.ts";
import { findByCode, homeNews, type HttpProblem, type ListedRoom } from "./room_requests.ts";

export interface HomeDeps extends Pick<SessionDeps, "clock" | "timers" | "random" | "storage" | "ed25519" | "log"> {
  /** As `fetch`, for paths of the page's own origin. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Where notices are stored, and those that the server drew on the page. Absent: this page shows none. */
  notices?: { storage: NoticeStorage; drawn: readonly WireEvent[] };
}

/** How to wait for a busy server. */
export interface Waiting {
  /** Aborted when nobody waits any more. */
  wanted: AbortSignal;
  /** Called at each refusal. */
  onWait(): void;
}

/** The address of the room. */
export interface Opened {
  path: string;
}

export interface HomeModel {
  /** Recently opened, newest first; undefined until read. */
  readonly recent: ReadonlySignal<readonly KnownRoom[] | undefined>;
  readonly favourites: ReadonlySignal<readonly KnownRoom[]>;
  /** Listed rooms and the number of people in them, as last heard; undefined until heard. */
  readonly listed: ReadonlySignal<readonly ListedRoom[] | undefined>;
  /** The operator's notices for everybody, as in rooms; undefined until the drawn ones are verified. */
  readonly notices: ReadonlySignal<readonly NoticeView[] | undefined>;
  /** False: the last request got no answer. */
  readonly reachable: ReadonlySignal<boolean>;
  /** This device's display name; undefined until read, empty when none was chosen. */
  readonly name: ReadonlySignal<string | undefined>;
  /** False: this page cannot store anything. */
  readonly stored: ReadonlySignal<boolean>;

  /**
   * Makes a room. `name` is tidy: one line, NFC, no white space at its ends. A busy server is asked again after the
   * time that it names; without `waiting` being busy is a problem like any other.
   */
  create(name: string, kind: RoomKind, waiting?: Waiting): Promise<Opened | HttpProblem>;
  /** Finds a room by its code or link, as typed. A sealed room's key stays in the page. */
  join(code: string): Promise<Opened | (HttpProblem & { suggestions?: readonly string[] })>;
  setFavourite(id: RoomId, favourite: boolean): Promise<void>;
  /** Removes a room from this device: from the lists, with its local copy. */
  forget(id: RoomId): Promise<void>;
  setName(name: string): Promise<{ problem?: "empty" | "too_long" }>;
  /** Marks a notice as read: this device does not show it again, in rooms either. */
  acknowledge(id: string): void;
  /** Whether the page is visible: it requests the listed rooms only then. */
  setShown(shown: boolean): void;
  dispose(): void;
}

/** Makes the model. It reads the storage at once, and polls the server while visible. */
export function createHomeModel(deps: HomeDeps): HomeModel {
  const { clock, timers, storage, log } = deps;
  const recent: Signal<readonly KnownRoom[] | undefined> = signal(undefined);
  const favourites: Signal<readonly KnownRoom[]> = signal([]);
  const listed: Signal<readonly ListedRoom[] | undefined> = signal(undefined);
  const reachable = signal(true);
  const name: Signal<string | undefined> = signal(undefined);
  const stored = signal(storage.lasting);
  const notices: Signal<readonly NoticeView[] | undefined> = signal(undefined);
  let shown = false, asking = false, disposed = false;
  let cancelPoll = () => {};
  let said: readonly NoticeView[] = [], checked = false;
  const board = deps.notices && new NoticeBoard({
    room: undefined,
    clock,
    timers,
    verifier: deps.ed25519,
    storage: deps.notices.storage,
    fetchConfig: async () => await (await deps.fetch("/mesh/config")).json(),
    show(views) {
      said = views;
      if (checked) notices.value = said;
    },
    log,
  });

  function showRooms(rooms: readonly KnownRoom[]): void {
    recent.value = recentRooms(rooms, clock.now());
    favourites.value = favouriteRooms(rooms);
  }

  /** Uses the storage; when it fails, the page works on without storing. */
  async function remember<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await run();
    } catch (error) {
      stored.value = false;
      log(`storage is not usable: ${error}`);
    }
  }

  async function changeRooms(change: (rooms: readonly KnownRoom[]) => readonly KnownRoom[]): Promise<void> {
    const rooms = await remember(() => storage.changeRooms(change));
    if (rooms !== undefined) showRooms(rooms);
  }

  async function poll(): Promise<void> {
    cancelPoll();
    if (!shown || asking || disposed) return;
    asking = true;
    const news = await homeNews(deps);
    asking = false;
    if (disposed) return;
    reachable.value = !("problem" in news && news.problem === "offline");
    if (!("problem" in news)) {
      listed.value = news.rooms;
      void hear(news.notices, news.at && news.at - clock.now());
    }
    cancelPoll = timers.after(LISTED_POLL_MS, () => void poll());
  }

  async function hear(wires: readonly WireEvent[], aheadMs?: number): Promise<void> {
    try {
      // The operator's key is unknown and could not be requested: the drawn notices stay.
      if (await board?.take(wires, "server", aheadMs) === "refused") return;
    } catch {
      return; // The board has logged why.
    }
    checked = true;
    notices.value = said;
  }

  const stopListening = storage.onRenewed?.(() => stored.value = storage.lasting);
  void hear(deps.notices?.drawn ?? []);
  void remember(async () => {
    const [rooms, kept] = await Promise.all([storage.rooms(), storage.name()]);
    showRooms(rooms);
    name.value = kept ?? "";
  }).then(() => {
    recent.value ??= [];
    name.value ??= "";
  });

  return {
    recent,
    favourites,
    listed,
    notices,
    reachable,
    name,
    stored,
    async create(roomName, kind, waiting) {
      let made = await makeRoom(deps, roomName, kind);
      while (waiting !== undefined && "problem" in made && made.problem === "overloaded" && !waiting.wanted.aborted) {
        waiting.onWait();
        const delayMs = made.retryAfterMs ?? REFUSED_PAUSE_MS;
        await new Promise<void>((resolve) => void timers.after(delayMs, resolve));
        if (!waiting.wanted.aborted) made = await makeRoom(deps, roomName, kind);
      }
      if ("problem" in made) return made;
      await changeRooms((rooms) => withOpened(rooms, { ...made, openedAt: clock.now() }));
      return { path: roomPath(made) };
    },
    async join(typed) {
      const read = readTypedRoom(typed);
      if (read.found === "sealed") return { path: read.path };
      if (read.found === "nothing") return { problem: "no_such_room" };
      const found = await findByCode(deps, read.found === "code" ? read.code : read.words);
      return "problem" in found ? found : { path: roomPath(found) };
    },
    setFavourite: (id, favourite) => changeRooms((rooms) => withFavourite(rooms, id, favourite)),
    forget: (id) => changeRooms((rooms) => withoutRoom(rooms, id)),
    async setName(typed) {
      const read = normalizeDisplayName(typed);
      if ("problem" in read) return read;
      name.value = read.name;
      await remember(() => storage.setName(read.name));
      return {};
    },
    acknowledge(id) {
      checked = true;
      board?.acknowledge(id);
    },
    setShown(now) {
      const before = shown;
      shown = now;
      if (shown && !before) void poll();
    },
    dispose() {
      disposed = true;
      stopListening?.();
      cancelPoll();
      board?.dispose();
    },
  };
}
