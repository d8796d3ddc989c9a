/** The operator's notices in a real browser. Loaded on demand. */
import type { RoomId } from "../../protocol/event.ts";
import { fetchMeshConfig } from "./mesh_config_browser.ts";
import { NoticeBoard, type NoticeBoardDeps } from "../room/notice_board.ts";
import { clock, log, noticeStorage, signatures, timers } from "./environment.ts";

/** Shows the notices for a room until disposed. */
export function openNotices(room: RoomId, show: NoticeBoardDeps["show"]): NoticeBoard {
  return new NoticeBoard({
    room,
    clock,
    timers,
    verifier: signatures,
    fetchConfig: () => fetchMeshConfig(),
    storage: noticeStorage,
    show,
    log,
  });
}
