/** Messages between the tabs of a device in a real browser. */
import type { RoomId } from "../../protocol/event.ts";
import type { TabConnectionDeps } from "../tabs/tab_connection.ts";
import type { TabChannel } from "../ports/session_deps.ts";
import { roomChannel, webLockElection } from "./tab_lock.ts";

/** How the tabs of this device share one connection; undefined where they cannot. */
export function roomTabs(room: RoomId, loadRelay: TabConnectionDeps["loadRelay"]) {
  const name = `festival-chat room ${room}`;
  const election = webLockElection(name);
  const channel = election && roomChannel(name);
  if (election === undefined || channel === undefined) return undefined;
  return { election, channel, loadRelay, visible: () => document.visibilityState === "visible" };
}

/** Undefined where the browser lacks BroadcastChannel. */
export function outboxChannel(): (TabChannel & { close(): void }) | undefined {
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
