import { signal } from "@preact/signals";
import { NEW_METER, qualityOf } from "../../lib/routing/road_meter.ts";
import { NO_MESH, NO_STATS } from "../../lib/session/connection_model.ts";
import type { RoomModel } from "../../lib/session/room_model.ts";

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
  sendMessage: () => Promise.resolve({ problem: "empty" }),
  react: () => Promise.resolve(),
  edit: () => Promise.resolve({ problem: "empty" }),
  retract: () => Promise.resolve(),
  rename: nothing,
  loadOlder: () => {},
  seen: () => {},
  takeBack: () => Promise.resolve(undefined),
  files: () => new Promise(() => {}),
  currentRoute: signal(undefined),
  connectionQuality: signal({ websocket: NOTHING_MEASURED, polling: NOTHING_MEASURED }),
  hybridStats: signal(NO_STATS),
  preferredRoute: signal("auto"),
  setPreferredRoute: () => {},
  pairPhone: () => Promise.resolve({ problem: "unavailable" }),
  meshEnabled: signal(false),
  mesh: signal(NO_MESH),
  meshMode: signal("auto"),
  setMeshMode: () => {},
  attemptP2PUpgrade: () => Promise.resolve({ problem: "unavailable" }),
  forceReconnect: () => {},
  resetRoads: () => {},
  measure: () => {},
  checkServer: () => Promise.resolve(undefined),
  getConnectionDiagnostics: () => {
    throw new Error("nothing is known of a room that is not open");
  },
  dispose: () => {},
};
