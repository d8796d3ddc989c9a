import { signal } from "@preact/signals";
import { NO_MESH } from "../../lib/session/model/connection_model.ts";
import type { ConnectionModel } from "../../lib/session/model/connection_model.ts";
import type { PeopleModel } from "../../lib/session/model/people_model.ts";
import type { RoomModel } from "../../lib/session/model/room_model.ts";

/** The part of a room that its screen shows; dialogs open only with a whole model. */
export interface ShownModel extends Pick<RoomModel, "conversation" | "notices" | "files"> {
  people: Pick<PeopleModel, "me" | "people">;
  connection: Pick<ConnectionModel, "state" | "currentRoute" | "mesh" | "forceReconnect">;
}

/**
 * A room of which nothing is known yet: the server draws it, and the page shows it until its own model is there. Its
 * signals never change, so all visitors may share it.
 */
export const NO_MODEL: ShownModel = {
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
  people: { me: signal(undefined), people: signal({ count: 0, shown: [] }) },
  connection: {
    state: signal({ state: "connecting" }),
    currentRoute: signal(undefined),
    mesh: signal(NO_MESH),
    forceReconnect: () => {},
  },
  notices: { notices: signal([]), acknowledge: () => {} },
  files: () => new Promise(() => {}),
};
