/** Reads the whole of a room's log as a phone does that scrolls up to its beginning. */
import { setTimeout as delay } from "node:timers/promises";
import { LoadSocket, maskedFrame } from "../../bench/load_socket.ts";
import type { LogEntry } from "../../lib/protocol/stub.ts";
import type { ServerFrame } from "../../lib/protocol/frames.ts";
import { PAGE_MAX_EVENTS } from "../../lib/protocol/limits.ts";
import { DIALECTS } from "../../bench/dialects.ts";
import { signerOf } from "../support/client.ts";
import { marksIn, type Place } from "./people.ts";

/** All entries that the server holds of the room, oldest first. */
export async function readLog({ port, room, from }: Place): Promise<LogEntry[]> {
  const { path, join } = DIALECTS["festival-chat"];
  const socket = await LoadSocket.open(port, path(room.id), { from });
  // A name of any text is a sealed name's shape too.
  await join(socket, room.id, await signerOf(room.id), "R".repeat(40));
  let take: (frame: ServerFrame<"page"> | "busy") => void = () => {};
  socket.onText = (payload) => {
    const frame: ServerFrame = JSON.parse(new TextDecoder().decode(payload));
    if (frame.type === "page") take(frame);
    else if (frame.type === "problem") take("busy");
  };
  socket.onEnd = () => take("busy");
  try {
    const pages: LogEntry[][] = [];
    // Beyond the head means the head.
    for (let before = Number.MAX_SAFE_INTEGER;;) {
      const answer = Promise.withResolvers<ServerFrame<"page"> | "busy">();
      take = answer.resolve;
      await socket.write(maskedFrame(JSON.stringify({ type: "history", before, limit: PAGE_MAX_EVENTS })));
      const page = await answer.promise;
      if (page === "busy") {
        await delay(200);
        continue;
      }
      pages.unshift(page.events);
      if (page.from <= page.oldest || page.events.length === 0) return pages.flat();
      before = page.from;
    }
  } finally {
    socket.close();
  }
}

/** The marks of the messages that are held. */
export async function marksHeld(place: Place): Promise<Set<string>> {
  const entries = await readLog(place);
  return new Set(entries.flatMap((entry) => "stub" in entry ? [] : marksIn(entry[0])));
}
