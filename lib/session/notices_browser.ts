/** The operator's notices in a real browser: one shelf for all rooms and tabs of a device. */
import type { RoomId } from "../protocol/event.ts";
import { Notices } from "./notices.ts";
import type { NoticeView } from "./room_model.ts";
import { clock, keepText, keptText, listen, log, NOTICES_KEY, signatures, timers } from "./surroundings.ts";

/** The notices of this device, for a page of one room; `show` is told what that page is to show. */
export function openNotices(room: RoomId, show: (views: readonly NoticeView[]) => void): Notices {
  const notices = new Notices({
    room,
    clock,
    timers,
    verifier: signatures,
    fetchConfig: async () => await (await fetch("/mesh/config", { cache: "no-store" })).json(),
    shelf: {
      read: () => keptText(NOTICES_KEY),
      write: (text) => keepText(NOTICES_KEY, text),
      // Other tabs of this device tell by writing.
      listen: (hear) => listen([[window, "storage"]], hear),
    },
    log,
  });
  notices.show(show);
  return notices;
}
