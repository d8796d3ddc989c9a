/** Marks of a page's messages: when each transport had them, by a clock shared by all pages of the machine. */
import type { BrowserContext, Page } from "playwright-core";

/** Times in ms since 1970, with fractions, by the text of a message; each the first one. */
export interface PageMarks {
  /** Enter was pressed in the composer. */
  pressed: Record<string, number>;
  sent: Record<MarkedTransport, Record<string, number>>;
  received: Record<MarkedTransport, Record<string, number>>;
  /** It is displayed. */
  shown: Record<string, number>;
  /** WebSocket traffic in both directions: characters of text (mostly ASCII) and frames. */
  socket: { characters: number; frames: number };
  /** When channels to peers were open. */
  opened: number[];
  /** Silently drops everything sent to peers. */
  muted: boolean;
}
export type MarkedTransport = "websocket" | "p2p";

/** Texts that are recorded. */
export const markText = (number: number) => `mark-${number}.`;

/** Makes the pages of this context record marks. */
export async function noteMarks(context: BrowserContext): Promise<void> {
  await context.addInitScript(install);
}

export function marksOf(page: Page): Promise<PageMarks> {
  return page.evaluate(() => (globalThis as unknown as { marks: PageMarks }).marks);
}

/** Turns the links of this page into black holes. */
export async function mutePeers(page: Page, muted: boolean): Promise<void> {
  await page.evaluate((muted) => {
    (globalThis as unknown as { marks: PageMarks }).marks.muted = muted;
  }, muted);
}

/** Runs in the page, before its own code. */
function install(): void {
  const marks: PageMarks = {
    pressed: {},
    sent: { websocket: {}, p2p: {} },
    received: { websocket: {}, p2p: {} },
    shown: {},
    socket: { characters: 0, frames: 0 },
    opened: [],
    muted: false,
  };
  Object.assign(globalThis, { marks });
  const now = () => performance.timeOrigin + performance.now();
  const note = (times: Record<string, number>, data: unknown) => {
    if (typeof data !== "string") return;
    for (const [text] of data.matchAll(/mark-\d+\./g)) times[text] ??= now();
  };
  const count = (data: unknown) => {
    marks.socket.characters += String(data).length;
    marks.socket.frames++;
  };
  addEventListener("keydown", ({ key, target }) => {
    if (key === "Enter" && target instanceof HTMLTextAreaElement) note(marks.pressed, target.value);
  }, { capture: true });

  const Socket = globalThis.WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(...parts: ConstructorParameters<typeof Socket>) {
      super(...parts);
      this.addEventListener("message", ({ data }) => {
        note(marks.received.websocket, data);
        count(data);
      });
    }
    override send(data: Parameters<WebSocket["send"]>[0]): void {
      note(marks.sent.websocket, data);
      count(data);
      super.send(data);
    }
  };

  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (this: RTCPeerConnection, ...parts) {
    const channel = createDataChannel.apply(this, parts);
    channel.addEventListener("open", () => marks.opened.push(now()));
    channel.addEventListener("message", ({ data }) => note(marks.received.p2p, data));
    const send = channel.send.bind(channel) as (data: unknown) => void;
    channel.send = (data: unknown) => {
      note(marks.sent.p2p, data);
      if (!marks.muted) send(data);
    };
    return channel;
  };

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node instanceof Element ? node.closest("[data-item]") ?? node.querySelector("[data-item]") : false) {
          note(marks.shown, node.textContent);
        }
      }
    }
  }).observe(document, { subtree: true, childList: true });
}
