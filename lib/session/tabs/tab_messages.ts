/**
 * Messages between the tabs of one device about one room, when one tab holds the connection for all. A channel is a
 * follower's connection through the leader; it carries the frames of the protocol like any transport.
 */

export type TabMessage =
  /** Follower: opens a channel. The leader answers with its first frame. */
  | { type: "open"; channelId: string }
  /** Follower to leader: one client frame. */
  | { type: "up"; channelId: string; text: string }
  /** Leader to follower: one server frame. */
  | { type: "down"; channelId: string; text: string }
  /** Either side: the channel is over. `code`: the close code of the leader's connection. */
  | { type: "closed"; channelId: string; code: number }
  /** Leader: it cannot deliver what this follower missed; the follower needs its own connection. */
  | { type: "alone"; channelId: string }
  /** Leader, to all: its connection is up, so waiting tabs can open channels. */
  | { type: "ready" };

/** Returns undefined for anything else: another tab may run another version of the app. */
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
