/** Fills a room with messages over plain sockets, as fast as a server with raised limits takes them. */
import { assertEquals } from "@std/assert";
import { TestClient, webSocketWire } from "./client.ts";

/** Over so many connections: one alone may not send that fast. */
const WRITERS = 5;
/** Events that one connection may have waiting for their answer are 64; this stays well below. */
const AT_ONCE = 20;

/** The id of the room at this path, `/r/…`. */
export async function roomAt(origin: string, path: string): Promise<string> {
  const answer = await fetch(`${origin}/api/codes/${path.slice("/r/".length)}`);
  return (await answer.json()).id;
}

/** The writers take turns, so that what is written later stands later. Resolves when all is stored. */
export async function fillRoom(origin: string, path: string, texts: readonly string[]): Promise<void> {
  const room = await roomAt(origin, path);
  const open = webSocketWire(`${origin.replace("http", "ws")}/api/rooms/${room}/socket`);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) => TestClient.join({ open, room, name: `Writer ${i}` })),
  );
  let newest = 0;
  for (let first = 0; first < texts.length; first += AT_ONCE) {
    const writer = writers[first / AT_ONCE % WRITERS]!;
    await writer.holds(newest);
    const events = [];
    for (const text of texts.slice(first, first + AT_ONCE)) events.push(await writer.signText(text));
    writer.sendEvents(...events);
    newest = Math.max(...await Promise.all(events.map(({ id }) => writer.stored(id))));
  }
  for (const writer of writers) {
    assertEquals(writer.violations, []);
    await writer.close();
  }
}
