/** Builds the home page's model in a real browser. */
import type { WireEvent } from "../../protocol/event.ts";
import { createHomeModel, type HomeModel } from "../home/home_model.ts";
import { clock, listen, log, noticeStorage, random, signatures, timers } from "./environment.ts";
import { storage } from "./page_storage.ts";

/**
 * The home page's model over this page's own server. `drawn`: the notices that the server drew; absent: it shows none.
 */
export function openHomeInBrowser(drawn?: readonly WireEvent[]): HomeModel {
  const home = createHomeModel({
    clock,
    timers,
    random,
    storage,
    ed25519: signatures,
    fetch: (path, init) => fetch(path, init),
    ...(drawn && { notices: { storage: noticeStorage, drawn } }),
    log,
  });
  const stop = listen([[document, "visibilitychange"], [window, "pageshow"], [window, "online"]], () => {
    home.setShown(document.visibilityState === "visible");
  });
  home.setShown(document.visibilityState === "visible");
  return {
    ...home,
    dispose() {
      stop();
      home.dispose();
    },
  };
}
