import { signal } from "@preact/signals";
import { NEW_METER, qualityOf } from "../../lib/routing/transport_meter.ts";
import { NO_MESH, NO_STATS } from "../../lib/session/model/connection_model.ts";
import type { RoomModel } from "../../lib/session/model/room_model.ts";

const NOTHING_MEASURED = qualityOf(NEW_METER);

/**
 * A room of which nothing is known yet: what the server draws, and the page until its own model is there. Its signals
 * never change, so all visitors may share it.
 */
export const NO_MODEL: RoomModel = {
  conversation: {
    problem: signal(undefined),
    room: signal(undefined),
    messages: signal([]),
    older: signal("available"),
    unread: signal(new Set<string>()),
    upToDate: signal(false),
    stored: signal(true),
    sendMessage: () => Promise.resolve({ problem: "empty" }),
    react: () => Promise.resolve(),
    edit: () => Promise.resolve({ problem: "empty" }),
    deleteMessage: () => Promise.resolve(),
    loadOlder: () => {},
    seen: () => {},
    discardRefused: () => Promise.resolve(undefined),
  },
  people: {
    me: signal(undefined),
    people: signal({ count: 0, shown: [] }),
    rename: () => Promise.resolve({}),
  },
  connection: {
    state: signal({ state: "connecting" }),
    currentRoute: signal(undefined),
    connectionQuality: signal({ websocket: NOTHING_MEASURED, polling: NOTHING_MEASURED }),
    transferStats: signal(NO_STATS),
    preferredRoute: signal("auto"),
    setPreferredRoute: () => {},
    pairPhone: () => Promise.resolve({ problem: "unavailable" }),
    mesh: signal(NO_MESH),
    meshMode: signal("auto"),
    setMeshMode: () => {},
    connectPeers: () => Promise.resolve({ problem: "unavailable" }),
    forceReconnect: () => {},
    resetTransports: () => {},
    measure: () => {},
    checkServer: () => Promise.resolve(undefined),
    getConnectionDiagnostics: () => {
      throw new Error("nothing is known of a room that is not open");
    },
  },
  notices: { notices: signal([]), acknowledge: () => {} },
  files: () => new Promise(() => {}),
  dispose: () => {},
};
