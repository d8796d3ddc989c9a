/** The operator's notices in a real browser. Loaded on demand. */
import type { RoomId } from "../protocol/event.ts";
import { fetchMeshConfig } from "./mesh_config_browser.ts";
import { Notices, type NoticesParts } from "./notices.ts";
import { clock, log, noticeShelf, signatures, timers } from "./surroundings.ts";

/** Shows those of a room, as long as it is not disposed. */
export function openNotices(room: RoomId, show: NoticesParts["show"]): Notices {
  return new Notices({
    room,
    clock,
    timers,
    verifier: signatures,
    fetchConfig: fetchMeshConfig,
    shelf: noticeShelf,
    show,
    log,
  });
}
