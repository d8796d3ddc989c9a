/** How the operator's notices go from phone to phone: [NOTICE-7] and [NOTICE-5] of docs/PROTOCOL.md. */
import { assertEquals } from "@std/assert";
import type { WireEvent } from "../../lib/protocol/event.ts";
import type { MeshFrame } from "../../lib/protocol/peer/mesh_frames.ts";
import { Rig } from "./rig.ts";

const NOTICE: WireEvent = ['{"notice":1}', "A".repeat(86)];

const told = (rig: Rig) =>
  rig.sent.filter(({ frame }) => frame.type === "notices").map(({ to, frame }) =>
    [to, (frame as Extract<MeshFrame, { type: "notices" }>).notices] as const
  );

Deno.test("[NOTICE-7] neighbours are told at once, and new ones when they link; with nothing to tell nobody is", () => {
  const rig = new Rig();
  const [a, b] = rig.neighbours(2);
  assertEquals(told(rig), []);
  rig.node.setNotices([NOTICE]);
  assertEquals(told(rig), [[a!, [NOTICE]], [b!, [NOTICE]]]);
  const c = rig.key();
  rig.node.linked(c);
  assertEquals(told(rig).at(-1), [c, [NOTICE]]);
});

Deno.test("[NOTICE-5] who passes on a forged one loses the link; a refused one costs nothing", async () => {
  for (const [verdict, banned] of [["good", 0], ["refused", 0], ["forged", 1]] as const) {
    const rig = new Rig({ onNotices: () => Promise.resolve(verdict) });
    const [a] = rig.neighbours(1);
    rig.node.receive(a!, JSON.stringify({ type: "notices", notices: [NOTICE] }));
    await Promise.resolve();
    assertEquals([verdict, rig.banned.length], [verdict, banned]);
  }
});

Deno.test("[NOTICE-7] more than there may be at a time is no frame", () => {
  let heard = 0;
  const rig = new Rig({
    onNotices: () => {
      heard++;
      return Promise.resolve("good");
    },
  });
  const [a] = rig.neighbours(1);
  rig.node.receive(a!, JSON.stringify({ type: "notices", notices: Array(9).fill(NOTICE) }));
  assertEquals(heard, 0);
});
