import { signal } from "@preact/signals";
import { NEW_METER, qualityOf } from "../../lib/routing/transport_meter.ts";
import { NO_MESH, NO_STATS } from "../../lib/session/model/connection_model.ts";
import type { RoomModel } from "../../lib/session/model/room_model.ts";

const NOTHING_MEASURED = qualityOf(NEW_METER);

const nothing = () => Promise.resolve({});

/**
 * A room of which nothing is known yet: what the server draws, and the page until its own model is there. Its signals
 * never change, so all visitors may share it.
 */
export const NO_MODEL: RoomModel = {
  connection: signal({ state: "connecting" }),
  problem: signal(undefined),
  room: signal(undefined),
  me: signal(undefined),
  messages: signal([]),
  people: signal({ count: 0, shown: [] }),
  older: signal("available"),
  unread: signal(new Set<string>()),
  upToDate: signal(false),
  stored: signal(true),
  notices: signal([]),
  acknowledge: () => {},
  sendMessage: () => Promise.resolve({ problem: "empty" }),
  react: () => Promise.resolve(),
  edit: () => Promise.resolve({ problem: "empty" }),
  deleteMessage: () => Promise.resolve(),
  rename: nothing,
  loadOlder: () => {},
  seen: () => {},
  discardRefused: () => Promise.resolve(undefined),
  files: () => new Promise(() => {}),
  currentRoute: signal(undefined),
  connectionQuality: signal({ websocket: NOTHING_MEASURED, polling: NOTHING_MEASURED }),
  transferStats: signal(NO_STATS),
  preferredRoute: signal("auto"),
  setPreferredRoute: () => {},
  pairPhone: () => Promise.resolve({ problem: "unavailable" }),
  meshEnabled: signal(false),
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
  dispose: () => {},
};
