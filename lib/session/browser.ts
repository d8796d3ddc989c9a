/** Opens rooms in a real browser. */
import { lazyRoad } from "../transport/road.ts";
import { socketRoad, socketUrl } from "../transport/socket.ts";
import type { Cancel, TabChannel } from "./deps.ts";
import type { RoomModel } from "./room_model.ts";
import { Roads } from "./roads.ts";
import { openRoomSession, type RoomSessionOptions } from "./room_session.ts";
import { clock, listen, log, random, signatures, storage, timers } from "./surroundings.ts";

/** The display name this device chose, if it did; undefined also where nothing can be stored. */
export function deviceName(): Promise<string | undefined> {
  return storage.name().catch((error) => {
    log(`storage is not usable: ${error}`);
    return undefined;
  });
}

/** Opens a room over this page's own server. `dispose` ends it. */
export function openRoomInBrowser(options: RoomSessionOptions): RoomModel {
  const tabs = tabChannel();
  const roads: Roads = new Roads({
    clock,
    timers,
    openers: {
      ...(typeof WebSocket === "undefined" ? {} : {
        websocket: (events) => socketRoad(new WebSocket(socketUrl(location.href, options.room)), events),
      }),
      polling: (events) =>
        lazyRoad(async () => {
          const { pollingRoad, pollUrl } = await import("../transport/polling.ts");
          const url = pollUrl(location.href, options.room);
          return (events) => pollingRoad(url, { timers, fetch: (url, init) => fetch(url, init) }, events);
        }, events),
    },
    onBetterRoad: () => session.wake(),
    onRoute: (route) => route && log(`road: ${route.road} (${route.reason})`),
  });
  const session = openRoomSession({
    clock,
    timers,
    random,
    storage,
    ed25519: signatures,
    openRoad: roads.open,
    ...(tabs && { tabs }),
    // False is to be believed, true is not.
    online: () => navigator.onLine !== false,
    log,
  }, options);
  const stopWatching = watchPage(session, roads);
  return {
    ...readSignals(session),
    sendMessage: (text, replyTo) => session.sendMessage(text, replyTo),
    react: (to, emoji, on) => session.react(to, emoji, on),
    edit: (to, text) => session.edit(to, text),
    retract: (to) => session.retract(to),
    rename: (name) => session.rename(name),
    loadOlder: () => session.loadOlder(),
    seen: () => session.seen(),
    takeBack: (id) => session.takeBack(id),
    forceReconnect: () => session.forceReconnect(),
    dispose() {
      stopWatching();
      session.dispose();
      roads.dispose();
      tabs?.close();
    },
  };
}

function readSignals(model: RoomModel) {
  const { connection, problem, room, me, messages, people, older, unread, upToDate, stored } = model;
  return { connection, problem, room, me, messages, people, older, unread, upToDate, stored };
}

/**
 * Whatever may mean that the device slept or changed its network. `pageshow` too: a page out of the back-forward cache has
 * a dead socket and no `visibilitychange`.
 */
function watchPage(session: { wake(): void; persist(): Promise<void> }, roads: Roads): Cancel {
  const network = "connection" in navigator ? navigator.connection : undefined;
  const wake = () => {
    roads.wake();
    session.wake();
  };
  const stops = [
    listen([[window, "pageshow"], [window, "offline"], [document, "resume"]], wake),
    listen([[window, "online"]], () => {
      roads.networkChanged();
      session.wake();
    }),
    listen([[document, "visibilitychange"]], () => {
      if (document.visibilityState === "visible") wake();
      else void session.persist();
    }),
    listen([[window, "pagehide"]], () => {
      void session.persist();
      roads.leave();
    }),
    // Chromium also tells of mere changes in speed there: no reason to forget what is known of the roads.
    network instanceof EventTarget ? listen([[network, "change"]], wake) : () => {},
  ];
  return () => stops.forEach((stop) => stop());
}

/** Undefined where the browser has no BroadcastChannel. */
function tabChannel(): (TabChannel & { close(): void }) | undefined {
  if (typeof BroadcastChannel === "undefined") return undefined;
  const channel = new BroadcastChannel("festival-chat outbox");
  return {
    tell: (room) => channel.postMessage(room),
    listen(hear) {
      const heard = ({ data }: MessageEvent) => typeof data === "string" && hear(data);
      channel.addEventListener("message", heard);
      return () => channel.removeEventListener("message", heard);
    },
    close: () => channel.close(),
  };
}
