/** The operator's notices in a real browser. Loaded on demand. */
import type { RoomId } from "../protocol/event.ts";
import { keepText, keptText } from "./kept_texts.ts";
import { fetchMeshConfig } from "./mesh_config_browser.ts";
import { Notices, type NoticesParts } from "./notices.ts";
import { clock, listen, log, signatures, timers } from "./surroundings.ts";

/** Keeps them under this key, for all tabs of the device. */
export function openNotices(room: RoomId, key: string, show: NoticesParts["show"]): Notices {
  return new Notices({
    room,
    clock,
    timers,
    verifier: signatures,
    fetchConfig: fetchMeshConfig,
    shelf: {
      read: () => keptText(key),
      write: (text) => keepText(key, text),
      // Other tabs of this device tell by writing.
      listen: (hear) => listen([[window, "storage"]], hear),
    },
    show,
    log,
  });
}
