/**
 * Parts of a session that a page does without at first. In one file, so that they are loaded together: each file that is
 * loaded on its own cuts what it shares with the page into further pieces.
 */
export { memoryStorage } from "./memory_storage.ts";
export { openRoomFiles } from "./files_browser.ts";
export { forgetFiles } from "./idb_files.ts";
export { MeshControl } from "./mesh_control.ts";
export { Notices } from "./notices.ts";
export { reportRoads } from "./road_reporter_browser.ts";
export { TabRelay } from "./tab_relay.ts";
