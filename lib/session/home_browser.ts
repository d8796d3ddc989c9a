/** Builds the home page's model out of a real browser. */
import { createHomeModel, type HomeModel } from "./home_model.ts";
import { clock, listen, log, random, signatures, storage, timers } from "./surroundings.ts";

/** The home page's model over this page's own server. */
export function openHomeInBrowser(): HomeModel {
  const home = createHomeModel({
    clock,
    timers,
    random,
    storage,
    ed25519: signatures,
    fetch: (path, init) => fetch(path, init),
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
