/** Elects a leading tab by Web Locks (W3C, Web Locks API), and connects the tabs of a device, in a real browser. */
import type { TabElection } from "../tabs/tab_connection.ts";
import type { TabChannelOf, TabMessage } from "../tabs/tab_messages.ts";

/** Undefined where the browser lacks Web Locks: older ones, and pages over plain http. */
export function webLockElection(name: string): TabElection | undefined {
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

/** Undefined where the browser lacks BroadcastChannel. */
export function roomChannel(name: string): (TabChannelOf<TabMessage> & { close(): void }) | undefined {
  if (typeof BroadcastChannel === "undefined") return undefined;
  const channel = new BroadcastChannel(name);
  return {
    post: (message) => channel.postMessage(message),
    listen(hear) {
      const heard = ({ data }: MessageEvent) => hear(data);
      channel.addEventListener("message", heard);
      return () => channel.removeEventListener("message", heard);
    },
    close: () => channel.close(),
  };
}
