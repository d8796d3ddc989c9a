/** Opens rooms in a real browser. */
import { type ReadonlySignal, Signal, signal } from "@preact/signals";
import type { RoomId } from "../protocol/event.ts";
import { lazyRoad } from "../transport/road.ts";
import { socketRoad, socketUrl } from "../transport/socket.ts";
import type { Cancel, TabChannel } from "./deps.ts";
import type { RoomFiles } from "./room_files.ts";
import type { NoticeView, RoomModel } from "./room_model.ts";
import type { ConnectionDiagnostics } from "./connection_model.ts";
import { MESH_MODES } from "../routing/power_policy.ts";
import { RoomConnection, type RoomConnectionParts } from "./room_connection.ts";
import type { Notices } from "./notices.ts";
import { openRoomSession, type RoomSession, type RoomSessionOptions } from "./room_session.ts";
import { roomChannel, webLockElection } from "./tab_lock.ts";
import {
  clock,
  keepText,
  keptText,
  listen,
  log,
  noticeShelf,
  random,
  signatures,
  steady,
  storage,
  timers,
} from "./surroundings.ts";
import { UnsentTexts } from "./unsent_texts.ts";

/** The display name this device chose, if it did; undefined also where nothing can be stored. */
export function deviceName(): Promise<string | undefined> {
  return storage.name().catch((error) => {
    log(`storage is not usable: ${error}`);
    return undefined;
  });
}

/** Takes away what this device holds of a room's files. Never rejects. */
export async function forgetFilesOf(room: RoomId): Promise<void> {
  await import("./on_demand.ts").then(({ forgetFiles }) => forgetFiles(room)).catch((error) =>
    log(`files: they could not be forgotten: ${error}`)
  );
}

/** Opens a room over this page's own server. `dispose` ends it. */
export function openRoomInBrowser(options: RoomSessionOptions): RoomModel {
  const notices = noticeBoard(options.room);
  const outboxes = outboxChannel();
  const tabs = roomTabs(options.room);
  const connection: RoomConnection = new RoomConnection({
    clock,
    steady,
    timers,
    random,
    openers: {
      ...(typeof WebSocket === "undefined" ? {} : {
        websocket: (events) => socketRoad(new WebSocket(socketUrl(location.href, options.room)), events),
      }),
      polling: (events) =>
        lazyRoad(async () => {
          const { pollingRoad, pollUrl } = await import("../transport/polling.ts");
          const url = pollUrl(location.href, options.room);
          return (events) => pollingRoad(url, { timers, fetch: (url, init) => fetch(url, init) }, events);
        }, events),
    },
    ...(tabs && { tabs }),
    session: () => session,
    checkServer,
    network: networkState,
    browser: navigator.userAgent,
    notices: () => notices.load(),
    reports: true,
    ...(typeof RTCPeerConnection !== "undefined" && { peers: browserPeers(options.room, files) }),
    log,
  });
  const session: RoomSession = openRoomSession({
    clock,
    steady,
    timers,
    random,
    storage,
    ed25519: signatures,
    openRoad: connection.open,
    ...(outboxes && { tabs: outboxes }),
    meter: connection,
    preference: () => connection.preferredRoute.peek(),
    onNotices: (wires, aheadMs) =>
      void notices.load().then((loaded) => loaded.take(wires, "server", aheadMs)).catch(log),
    onCleared: (epoch) => withFiles((files) => files.cleared(epoch)),
    // False is to be believed, true is not.
    online: () => navigator.onLine !== false,
    log: (line) => {
      connection.note(line);
      log(line);
    },
  }, options);
  let opened: Promise<RoomFiles> | undefined;
  function files(): Promise<RoomFiles> {
    return opened ??= import("./on_demand.ts").then(({ openRoomFiles }) =>
      openRoomFiles({
        room: options.room,
        session,
        clock: steady,
        timers,
        random,
        follows: () => connection.follows,
        saves: () => networkState().saveData === true,
        log,
      })
    ).catch((error) => {
      opened = undefined; // Its code did not come: asked for again when it is wanted again.
      throw error;
    });
  }
  /** Nothing but their place on this device depends on it. */
  function withFiles(run: (files: RoomFiles) => unknown): void {
    files().then(run).catch((error) => log(`files: ${error}`));
  }
  // What was taken back before this page began may be held: with their code loaded it goes.
  session.messages.subscribe((items) => {
    if (opened === undefined && items.some((item) => "root" in item)) withFiles(() => {});
  });
  session.problem.subscribe((problem) => {
    if (problem?.problem === "room_deleted") withFiles((files) => files.forget());
  });
  connection.start();
  const stopWatching = watchPage(session, connection);
  const texts = new UnsentTexts({ room: options.room, session, clock, storage: () => sessionStorage });
  return {
    ...signalsOf(session),
    ...signalsOf(connection),
    notices: notices.shown,
    acknowledge: (id) => void notices.load().then((loaded) => loaded.acknowledge(id)),
    sendMessage: (text, replyTo) => texts.sendMessage(text, replyTo),
    react: (to, emoji, on) => session.react(to, emoji, on),
    edit: (to, text) => texts.edit(to, text),
    retract: (to) => session.retract(to),
    rename: (name) => session.rename(name),
    loadOlder: () => session.loadOlder(),
    seen: () => session.seen(),
    async takeBack(id) {
      const item = session.messages.peek().find((item) => item.id === id);
      const text = await session.takeBack(id);
      const root = item?.type === "message" && text !== undefined ? item.file?.root : undefined;
      if (root !== undefined) withFiles((files) => files.drop(root));
      return text;
    },
    files,
    setPreferredRoute: (preference) => connection.setPreferredRoute(preference),
    forceReconnect: () => connection.forceReconnect(),
    setMeshMode: (mode) => connection.setMeshMode(mode),
    attemptP2PUpgrade: () => connection.attemptP2PUpgrade(),
    pairPhone: (onState) => connection.pairPhone(onState),
    resetRoads: () => connection.resetRoads(),
    measure: () => connection.measure(),
    checkServer: () => connection.checkServer(),
    getConnectionDiagnostics: () => connection.getConnectionDiagnostics(),
    dispose() {
      stopWatching();
      notices.dispose();
      void opened?.then((files) => files.dispose());
      session.dispose();
      connection.dispose();
      tabs?.channel.close();
      outboxes?.close();
    },
  };
}

type SignalsOf<Model> = { [Name in keyof Model as Model[Name] extends ReadonlySignal ? Name : never]: Model[Name] };

/** Only what a page reads. */
function signalsOf<Model extends object>(model: Model): SignalsOf<Model> {
  return Object.fromEntries(Object.entries(model).filter(([, value]) => value instanceof Signal)) as SignalsOf<Model>;
}

/** An answer to plain HTTP that takes longer is none. */
const CHECK_TIMEOUT_MS = 5_000;

async function checkServer(): Promise<number | undefined> {
  const startedAt = performance.now();
  try {
    const answer = await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await answer.text();
    return answer.ok ? Math.round(performance.now() - startedAt) : undefined;
  } catch {
    return undefined; // Nobody there, or somebody else: a captive portal answers with a page of its own, or not at all.
  }
}

/** Where somebody's choice about peers is kept. */
const MESH_MODE_KEY = "festival-chat.mesh";

async function fetchConfig(): Promise<unknown> {
  return await (await fetch("/mesh/config", { cache: "no-store" })).json();
}

/** The operator's notices as a page shows them. What keeps and checks them is loaded when there is one. */
function noticeBoard(room: RoomId) {
  const shown = signal<readonly NoticeView[]>([]);
  let loading: Promise<Notices> | undefined;
  const load = () =>
    loading ??= import("./on_demand.ts").then(({ Notices }) =>
      new Notices({
        room,
        clock,
        timers,
        verifier: signatures,
        fetchConfig,
        shelf: noticeShelf,
        show: (views) => shown.value = views,
        log,
      })
    ).catch((error) => {
      loading = undefined; // Its code did not come: the next word of a notice tries again.
      throw error;
    });
  // The device keeps some: they are shown without being heard again.
  if (noticeShelf.read()) load().catch(log);
  return { shown, load, dispose: () => void loading?.then((notices) => notices.dispose()) };
}

/** Begins the keys of the rooms in which this tab had links. */
const LINKED_KEY = "festival-chat.linked.";

/** Peers by this browser's WebRTC, as far as its battery and network allow. */
function browserPeers(room: RoomId, files: () => Promise<RoomFiles>): RoomConnectionParts["peers"] {
  let battery: { level: number; charging: boolean } | undefined;
  const { getBattery } = navigator as { getBattery?: () => Promise<{ level: number; charging: boolean }> };
  // It goes on telling the truth: the object is live. Absent in Safari and Firefox, and then nobody asks it.
  getBattery?.call(navigator).then((found) => battery = found).catch(() => {});
  let hiddenAt = document.visibilityState === "hidden" ? performance.now() : undefined;
  document.addEventListener("visibilitychange", () => {
    hiddenAt = document.visibilityState === "hidden" ? performance.now() : undefined;
  });
  const { deviceMemory } = navigator as { deviceMemory?: number };
  const weak = matchMedia("(pointer: coarse)").matches || (deviceMemory ?? 8) <= 2;
  return {
    clock: { now: () => performance.now() },
    power: () => {
      const { type, saveData = false } = networkState();
      const hiddenForMs = hiddenAt === undefined ? 0 : performance.now() - hiddenAt;
      return { battery, saveData, networkType: type, weak, hiddenForMs };
    },
    mode: () => MESH_MODES.find((mode) => mode === keptText(MESH_MODE_KEY)) ?? "auto",
    keepMode: (mode) => keepText(MESH_MODE_KEY, mode),
    fetchConfig,
    makeConnection: (configuration) => new RTCPeerConnection(configuration),
    files,
    linkedBefore: () => keptText(LINKED_KEY + room, "sessionStorage") !== undefined,
    keepLinked: () => keepText(LINKED_KEY + room, "1", "sessionStorage"),
  };
}

/** What the device says of its network (Network Information API, where there is one). */
function networkState(): ConnectionDiagnostics["network"] {
  const { connection } = navigator as { connection?: { effectiveType?: string; type?: string; saveData?: boolean } };
  const type = connection?.type ?? connection?.effectiveType;
  return {
    online: navigator.onLine,
    ...(type !== undefined && { type }),
    ...(connection?.saveData !== undefined && { saveData: connection.saveData }),
  };
}

/**
 * Whatever may mean that the device slept or changed its network. `pageshow` too: a page out of the back-forward cache has
 * a dead socket and no `visibilitychange`.
 */
function watchPage(session: RoomSession, connection: RoomConnection): Cancel {
  const network = "connection" in navigator ? navigator.connection : undefined;
  const wake = () => connection.wake();
  const stops = [
    listen([[window, "pageshow"], [window, "offline"], [document, "resume"]], wake),
    listen([[window, "online"]], () => connection.networkChanged()),
    listen([[document, "visibilitychange"]], () => {
      if (document.visibilityState === "visible") wake();
      else void session.persist();
    }),
    listen([[window, "pagehide"]], () => {
      void session.persist();
      connection.leave();
    }),
    // Chromium also tells of mere changes in speed there: no reason to forget what is known of the roads.
    network instanceof EventTarget ? listen([[network, "change"]], wake) : () => {},
  ];
  return () => stops.forEach((stop) => stop());
}

/** How the tabs of this device agree on one connection; undefined where they cannot. */
function roomTabs(room: RoomId) {
  const name = `festival-chat room ${room}`;
  const election = webLockElection(name);
  const channel = election && roomChannel(name);
  if (election === undefined || channel === undefined) return undefined;
  return { election, channel, visible: () => document.visibilityState === "visible" };
}

/** Undefined where the browser has no BroadcastChannel. */
function outboxChannel(): (TabChannel & { close(): void }) | undefined {
  if (typeof BroadcastChannel === "undefined") return undefined;
  const channel = new BroadcastChannel("festival-chat outbox");
  return {
    tell: (room) => channel.postMessage(room),
    listen(hear) {
      const heard = ({ data }: MessageEvent) => typeof data === "string" && hear(data);
      channel.addEventListener("message", heard);
      return () => channel.removeEventListener("message", heard);
    },
    close: () => channel.close(),
  };
}
