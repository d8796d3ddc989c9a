/** Opens rooms in a real browser. */
import { signal } from "@preact/signals";
import type { RoomId } from "../../protocol/event.ts";
import { MESH_MODES } from "../../routing/mesh_mode.ts";
import { lazyTransport } from "../../transport/transport.ts";
import { socketTransport, socketUrl } from "../../transport/socket_transport.ts";
import { RoomConnection } from "../connection/room_connection.ts";
import type { RoomFiles } from "../files/room_files.ts";
import type { PeerDeps } from "../mesh/mesh_starter.ts";
import type { NoticesModel, NoticeView } from "../model/notices_model.ts";
import type { RoomModel } from "../model/room_model.ts";
import type { NoticeBoard } from "../room/notice_board.ts";
import { RoomSession, type RoomSessionOptions } from "../room/room_session.ts";
import { networkState } from "./device_network.ts";
import { clock, keepText, keptText, log, noticeStorage, random, signatures, steady, timers } from "./environment.ts";
import { loadParts, storage } from "./page_storage.ts";
import { hiddenTime, watchPage } from "./page_events.ts";
import { pageChannel, roomTabs } from "./tabs_browser.ts";

/** The display name of this device; undefined when none was chosen or nothing can be stored. */
export function deviceName(): Promise<string | undefined> {
  return storage.name().catch((error) => {
    log(`storage: ${error}`);
    return undefined;
  });
}

/** Deletes the files of a room from this device. Never rejects. */
export async function forgetFilesOf(room: RoomId): Promise<void> {
  await loadParts().then(({ forgetFiles }) => forgetFiles(room)).catch((error) => log(`files: not deleted: ${error}`));
}

/** Opens a room over this page's own server. `dispose` ends it. */
export function openRoomInBrowser(options: RoomSessionOptions): RoomModel {
  const { room } = options;
  const notices = pageNotices(room);
  const outboxes = pageChannel<string>("festival-chat outbox");
  const tabs = roomTabs(room, () => loadParts().then(({ TabRelay }) => TabRelay));
  const connection = new RoomConnection({
    clock,
    steady,
    timers,
    random,
    openers: {
      ...(typeof WebSocket === "undefined" ? {} : {
        websocket: (events) => socketTransport(new WebSocket(socketUrl(location.href, room)), events),
      }),
      polling: (events) =>
        lazyTransport(async () => {
          const { pollingTransport, pollUrl } = await import("../../transport/polling_transport.ts");
          const url = pollUrl(location.href, room);
          return (events) => pollingTransport(url, { timers, fetch: (url, init) => fetch(url, init) }, events);
        }, events),
    },
    ...(tabs && { tabs }),
    openSession: (connection) =>
      new RoomSession({
        clock,
        steady,
        timers,
        random,
        storage,
        memory: () => loadParts().then(({ memoryStorage }) => memoryStorage()),
        unsent: () => sessionStorage,
        ed25519: signatures,
        openTransport: connection.open,
        ...(outboxes && { tabs: outboxes }),
        meter: connection,
        preference: () => connection.preferredRoute.peek(),
        onNotices: (wires, aheadMs) => notices.withBoard((board) => board.take(wires, "server", aheadMs)),
        onCleared: (epoch) => withFiles((files) => files.cleared(epoch)),
        onDiscarded: ({ root }) => withFiles((files) => files.drop(root)),
        // False is reliable, true is not.
        online: () => navigator.onLine !== false,
        onFault: (error) => reportError(error),
        log: (line) => {
          connection.note(line);
          log(line);
        },
      }, options),
    // The code comes from the server that is asked.
    checkServer: () => loadParts().then(({ checkServer }) => checkServer(), () => undefined),
    network: networkState,
    browser: navigator.userAgent,
    ...(typeof RTCPeerConnection !== "undefined" && { peers: peersOf(room, files, notices.load) }),
    loadReporter: async (measured) => (await loadParts()).reportTransports(measured),
    log,
  });
  const { session } = connection;
  let opened: Promise<RoomFiles> | undefined;
  function files(): Promise<RoomFiles> {
    return opened ??= loadParts().then(({ openRoomFiles }) =>
      openRoomFiles({
        room,
        session,
        clock: steady,
        timers,
        random,
        follows: () => connection.follows,
        saves: () => networkState().saveData === true,
        log,
      })
    ).catch((error) => {
      opened = undefined; // The code did not come: the next call loads it again.
      throw error;
    });
  }
  /** Failures are logged: only the files on this device depend on it. */
  function withFiles(run: (files: RoomFiles) => unknown): void {
    files().then(run).catch((error) => log(`files: ${error}`));
  }
  // The device may hold a file that was deleted before this page began: its code deletes it.
  session.messages.subscribe((items) => {
    if (opened === undefined && items.some((item) => "root" in item)) withFiles(() => {});
  });
  session.problem.subscribe((problem) => {
    if (problem?.problem === "room_deleted") withFiles((files) => files.forget());
  });
  const stopWatching = watchPage(session, connection);
  return {
    conversation: session,
    people: session,
    connection,
    notices,
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

interface PageNotices extends NoticesModel {
  load(): Promise<NoticeBoard>;
  /** Uses the board once its code is loaded; failures are logged. */
  withBoard(run: (board: NoticeBoard) => unknown): void;
  dispose(): void;
}

/** The operator's notices. The code that keeps and verifies them is loaded when there is one. */
function pageNotices(room: RoomId): PageNotices {
  const notices = signal<readonly NoticeView[]>([]);
  let loading: Promise<NoticeBoard> | undefined;
  const load = () =>
    loading ??= loadParts().then(({ openNotices }) => openNotices(room, (views) => notices.value = views))
      .catch((error) => {
        loading = undefined; // The code did not come: the next notice loads it again.
        throw error;
      });
  const withBoard = (run: (board: NoticeBoard) => unknown) => void load().then(run).catch(log);
  // Notices that the device keeps are shown without a server.
  if (noticeStorage.read()) withBoard(() => {});
  return {
    notices,
    acknowledge: (id) => withBoard((board) => board.acknowledge(id)),
    load,
    withBoard,
    dispose: () => void loading?.then((board) => board.dispose()),
  };
}

/** Storage key of the choice about peers. */
const MESH_MODE_KEY = "festival-chat.mesh";
/** Prefix of the storage keys of rooms in which this tab had links. */
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
