/** Messages between the tabs of a device, and the election of a leading tab (W3C, Web Locks API), in a real browser. */
import type { RoomId } from "../../protocol/event.ts";
import type { TabChannel } from "../ports/session_deps.ts";
import type { TabConnectionDeps, TabElection } from "../tabs/tab_connection.ts";
import type { TabMessage } from "../tabs/tab_messages.ts";

export interface PageChannel<Message> extends TabChannel<Message> {
  close(): void;
}

/** Undefined where the browser lacks BroadcastChannel. Only pages of this origin can post to the channel. */
export function pageChannel<Message>(name: string): PageChannel<Message> | undefined {
  if (typeof BroadcastChannel === "undefined") return undefined;
  const channel = new BroadcastChannel(name);
  return {
    tell: (message) => channel.postMessage(message),
    listen(hear) {
      const heard = ({ data }: MessageEvent<Message>) => hear(data);
      channel.addEventListener("message", heard);
      return () => channel.removeEventListener("message", heard);
    },
    close: () => channel.close(),
  };
}

/** How the tabs of this device share one connection; undefined where they cannot. */
export function roomTabs(room: RoomId, loadRelay: TabConnectionDeps["loadRelay"]) {
  const name = `festival-chat room ${room}`;
  const election = webLockElection(name);
  const channel = election && pageChannel<TabMessage>(name);
  if (election === undefined || channel === undefined) return undefined;
  return { election, channel, loadRelay, visible: () => document.visibilityState === "visible" };
}

/** Undefined where the browser lacks Web Locks: older ones, and pages over plain http. */
function webLockElection(name: string): TabElection | undefined {
  if (typeof navigator === "undefined" || navigator.locks === undefined) return undefined;
  const { locks } = navigator;
  /** Set while this tab stands for election. */
  let candidate: { take: () => void } | undefined;
  return {
    run(onResult) {
      let release = () => {};
      let waiting = new AbortController();
      const request = async (options: LockOptions) => {
        const isOver = () => candidate !== mine || options.signal?.aborted === true;
        try {
          await locks.request(name, options, (lock) => {
            if (isOver()) return;
            onResult(lock !== null);
            if (lock !== null) return new Promise<void>((resolve) => release = resolve);
          });
        } catch (error) {
          if (isOver()) return;
          // AbortError: another tab took the lock from this one.
          if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
          onResult(false);
        }
        if (!isOver()) await wait();
      };
      const wait = () => {
        waiting = new AbortController();
        return request({ signal: waiting.signal });
      };
      const mine = {
        take: () => {
          waiting.abort();
          void request({ steal: true });
        },
      };
      candidate = mine;
      void request({ ifAvailable: true });
      return () => {
        candidate = undefined;
        waiting.abort();
        release();
      };
    },
    take: () => candidate?.take(),
  };
}
