/**
 * What the tabs of one device say to each other about one room, when one of them holds the connection for all. A channelId is
 * one tab's connection through that tab; what travels on it are the frames of the protocol, as on any transport.
 */

import type { Cancel } from "../../shared/environment.ts";

export type TabMessage =
  /** Follower: a new channelId, please. The leader answers with its first frame. */
  | { type: "open"; channelId: string }
  /** Follower to leader: one frame of a client. */
  | { type: "up"; channelId: string; text: string }
  /** Leader to follower: one frame of a server. */
  | { type: "down"; channelId: string; text: string }
  /** Either side: the channelId is over. `code`: the close code the leader's connection ended with. */
  | { type: "closed"; channelId: string; code: number }
  /** Leader: it cannot tell this follower what it missed; a connection of its own can. */
  | { type: "alone"; channelId: string }
  /** Leader, to all: its connection is up. Whoever waits can come. */
  | { type: "ready" };

/** The room's channel between tabs. What a tab posts, all others hear. */
export interface TabChannelOf<Message> {
  post(message: Message): void;
  listen(hear: (message: unknown) => void): Cancel;
}

/** The message, if it is one: another tab may run another version of the app. */
export function readTabMessage(data: unknown): TabMessage | undefined {
  if (typeof data !== "object" || data === null || !("type" in data)) return undefined;
  if (data.type === "ready") return { type: "ready" };
  if (!("channelId" in data) || typeof data.channelId !== "string") return undefined;
  const { type, channelId } = data;
  switch (type) {
    case "open":
    case "alone":
      return { type, channelId };
    case "up":
    case "down":
      return "text" in data && typeof data.text === "string" ? { type, channelId, text: data.text } : undefined;
    case "closed":
      return "code" in data && typeof data.code === "number" ? { type, channelId, code: data.code } : undefined;
  }
}
