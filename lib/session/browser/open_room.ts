/** Opens rooms in a real browser. */
import { type ReadonlySignal, Signal, signal } from "@preact/signals";
import type { RoomId } from "../../protocol/event.ts";
import { MESH_MODES } from "../../routing/mesh_mode.ts";
import { lazyTransport } from "../../transport/transport.ts";
import { socketTransport, socketUrl } from "../../transport/socket_transport.ts";
import { networkState } from "./device_network.ts";
import type { PeerDeps } from "../mesh/mesh_starter.ts";
import type { NoticeBoard } from "../room/notice_board.ts";
import { hiddenTime, watchPage } from "./page_events.ts";
import { RoomConnection } from "../connection/room_connection.ts";
import type { RoomFiles } from "../files/room_files.ts";
import type { NoticeView, RoomModel } from "../model/room_model.ts";
import { openRoomSession, type RoomSession, type RoomSessionOptions } from "../room/room_session.ts";
import {
  clock,
  keepText,
  keptText,
  log,
  noticeStorage,
  random,
  signatures,
  steady,
  storage,
  timers,
} from "./environment.ts";
import { outboxChannel, roomTabs } from "./tabs_browser.ts";
import { UnsentTexts } from "../outbox/unsent_texts.ts";

const loadParts = () => import("./on_demand.ts");

/** The display name this device chose, if it did; undefined also where nothing can be stored. */
export function deviceName(): Promise<string | undefined> {
  return storage.name().catch((error) => {
    log(`storage is not usable: ${error}`);
    return undefined;
  });
}

/** Takes away what this device holds of a room's files. Never rejects. */
export async function forgetFilesOf(room: RoomId): Promise<void> {
  await loadParts().then(({ forgetFiles }) => forgetFiles(room)).catch((error) =>
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
        websocket: (events) => socketTransport(new WebSocket(socketUrl(location.href, options.room)), events),
      }),
      polling: (events) =>
        lazyTransport(async () => {
          const { pollingTransport, pollUrl } = await import("../../transport/polling_transport.ts");
          const url = pollUrl(location.href, options.room);
          return (events) => pollingTransport(url, { timers, fetch: (url, init) => fetch(url, init) }, events);
        }, events),
    },
    ...(tabs && { tabs }),
    session: () => session,
    // Its code comes from the server that is asked.
    checkServer: () => loadParts().then(({ checkServer }) => checkServer(), () => undefined),
    network: networkState,
    browser: navigator.userAgent,
    ...(typeof RTCPeerConnection !== "undefined" && { peers: peersOf(options.room, files, notices.load) }),
    loadReporter: async (measured) => (await loadParts()).reportTransports(measured),
    log,
  });
  const session: RoomSession = openRoomSession({
    clock,
    steady,
    timers,
    random,
    storage,
    ed25519: signatures,
    openTransport: connection.open,
    ...(outboxes && { tabs: outboxes }),
    meter: connection,
    preference: () => connection.preferredRoute.peek(),
    onNotices: (wires, aheadMs) =>
      void notices.load().then((loaded) => loaded.take(wires, "server", aheadMs)).catch(log),
    onCleared: (epoch) => withFiles((files) => files.cleared(epoch)),
    // False is to be believed, true is not.
    online: () => navigator.onLine !== false,
    onFault: (error) => reportError(error),
    log: (line) => {
      connection.note(line);
      log(line);
    },
  }, options);
  let opened: Promise<RoomFiles> | undefined;
  function files(): Promise<RoomFiles> {
    return opened ??= loadParts().then(({ openRoomFiles }) =>
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
    ...actionsOf(session, "react", "deleteMessage", "rename", "loadOlder", "seen"),
    ...actionsOf(
      connection,
      "setPreferredRoute",
      "forceReconnect",
      "setMeshMode",
      "connectPeers",
      "pairPhone",
      "resetTransports",
      "measure",
      "checkServer",
      "getConnectionDiagnostics",
    ),
    ...actionsOf(texts, "sendMessage", "edit"),
    notices: notices.shown,
    acknowledge: (id) => void notices.load().then((loaded) => loaded.acknowledge(id)),
    async discardRefused(id) {
      const item = session.messages.peek().find((item) => item.id === id);
      const text = await session.discardRefused(id);
      const root = item?.type === "message" && text !== undefined ? item.file?.root : undefined;
      if (root !== undefined) withFiles((files) => files.drop(root));
      return text;
    },
    files,
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

/** The operator's notices as a page shows them. What keeps and checks them is loaded when there is one. */
function noticeBoard(room: RoomId) {
  const shown = signal<readonly NoticeView[]>([]);
  let loading: Promise<NoticeBoard> | undefined;
  const load = () =>
    loading ??= loadParts().then(({ openNotices }) => openNotices(room, (views) => shown.value = views))
      .catch((error) => {
        loading = undefined; // Its code did not come: the next word of a notice tries again.
        throw error;
      });
  // The device keeps some: they are shown without being heard again.
  if (noticeStorage.read()) load().catch(log);
  return { shown, load, dispose: () => void loading?.then((notices) => notices.dispose()) };
}

/** Only what a page calls. */
function actionsOf<Model extends object, Name extends keyof Model>(
  model: { [Each in Name]: (...given: never[]) => unknown } & Model,
  ...names: Name[]
): Pick<Model, Name> {
  return Object.fromEntries(names.map((name) => [name, model[name].bind(model)])) as Pick<Model, Name>;
}

/** Where somebody's choice about peers is kept. */
const MESH_MODE_KEY = "festival-chat.mesh";
/** Begins the keys of the rooms in which this tab had links. */
const LINKED_KEY = "festival-chat.linked.";

/** Peers of a room, by this browser's WebRTC. */
function peersOf(room: RoomId, files: () => Promise<RoomFiles>, notices: () => Promise<NoticeBoard>): PeerDeps {
  const hiddenForMs = hiddenTime();
  const linkedBefore = () => keptText(LINKED_KEY + room, "sessionStorage") !== undefined;
  const keepLinked = () => keepText(LINKED_KEY + room, "1", "sessionStorage");
  return {
    mode: () => MESH_MODES.find((mode) => mode === keptText(MESH_MODE_KEY)) ?? "auto",
    keepMode: (mode) => keepText(MESH_MODE_KEY, mode),
    linkedBefore,
    load: async (wiring) =>
      (await loadParts()).openMeshControl({ files, notices, linkedBefore, keepLinked, hiddenForMs }, wiring),
  };
}
