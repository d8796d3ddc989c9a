/** The device's storage as a page uses it, and the code that a page loads later. */
import { realTimers } from "../../shared/environment.ts";
import { indexedDbStorage } from "../storage/idb_storage.ts";
import { freezeGate } from "../storage/page_database.ts";
import { renewableStorage } from "../storage/renewable_storage.ts";
import { log } from "./environment.ts";

/** Loads what a first paint, typing and sending do without. */
export const loadParts = () => import("./on_demand.ts");

export const storage = renewableStorage({
  open: (onLost) => indexedDbStorage(undefined, onLost),
  memory: async () => (await loadParts()).memoryStorage(),
  timers: realTimers,
  log,
});

// The server loads this module as well. `freeze` and `resume` are Chromium's, also of tabs in the background (Page Lifecycle).
if (typeof document !== "undefined") {
  addEventListener("pagehide", ({ persisted }) => persisted && freezeGate.suspend());
  document.addEventListener("freeze", () => freezeGate.suspend());
  addEventListener("pageshow", () => freezeGate.resume());
  document.addEventListener("resume", () => freezeGate.resume());
}
