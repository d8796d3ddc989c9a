/**
 * Code that a page does without at first. One file loads it together: every further lazily loaded file would split the
 * code that it shares with the page into more chunks.
 */
export { memoryStorage } from "../storage/memory_storage.ts";
export { openRoomFiles } from "./files_browser.ts";
export { forgetFiles } from "../storage/idb_files.ts";
export { openNotices } from "./notices_browser.ts";
export { openMeshControl } from "./peers_browser.ts";
export { reportTransports } from "./transport_reporter_browser.ts";
export { checkServer } from "./server_check.ts";
export { TabRelay } from "../tabs/tab_relay.ts";
