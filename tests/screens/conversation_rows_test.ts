import { assertEquals } from "@std/assert";
import type { PersonView, TimelineItem } from "@/lib/chat/timeline.ts";
import { GROUP_GAP_MS, rowsOf, unreadIn } from "@/lib/ui/conversation_rows.ts";

const person = (author: string): PersonView => ({ author, name: author, copiedName: false, me: false, host: false });
const ann = person("ann");
const bob = person("bob");
let count = 0;
const said = (author: PersonView, at: number): TimelineItem => ({
  type: "message",
  id: `m${count++}`,
  author,
  at,
  text: "x",
  edited: false,
  reactions: [],
});
const DAY_MS = 86_400_000;
const dayOf = (at: number) => String(Math.floor(at / DAY_MS));
const types = (items: TimelineItem[], newFrom?: string) =>
  rowsOf(items, dayOf, newFrom).map((row) =>
    row.type === "group" ? `${row.author.author} ${row.items.length}` : row.type
  );

Deno.test("consecutive messages of one author form one group", () => {
  assertEquals(types([said(ann, 1), said(ann, 2), said(bob, 3), said(ann, 4)]), ["day", "ann 2", "bob 1", "ann 1"]);
});

Deno.test("a long silence begins a new group, a clock set back does not", () => {
  assertEquals(types([said(ann, 10), said(ann, 11 + GROUP_GAP_MS)]), ["day", "ann 1", "ann 1"]);
  assertEquals(types([said(ann, 20 + GROUP_GAP_MS), said(ann, 10)]), ["day", "ann 2"]);
});

Deno.test("a new day stands above its first message", () => {
  assertEquals(types([said(ann, DAY_MS - 1), said(ann, DAY_MS + 1)]), ["day", "ann 1", "day", "ann 1"]);
});

Deno.test("the new line stands above the item it is for, and splits a group", () => {
  const items = [said(ann, 1), said(ann, 2)];
  assertEquals(types(items, items[1]!.id), ["day", "ann 1", "new", "ann 1"]);
});

Deno.test("the new line stands above a gap right before its item, and above nothing else", () => {
  const gap = (id: string): TimelineItem => ({ type: "gap", id, count: 3, gone: false });
  const items = [gap("g1"), said(ann, 1), gap("g2"), gap("g3"), said(ann, DAY_MS)];
  assertEquals(types(items, items[4]!.id), ["gap", "day", "ann 1", "new", "gap", "gap", "day", "ann 1"]);
  assertEquals(types(items, items[1]!.id), ["new", "gap", "day", "ann 1", "gap", "gap", "day", "ann 1"]);
});

Deno.test("unread begins with the first unread message on the screen, however late it arrived; unreadable messages do not count", () => {
  const items: TimelineItem[] = [
    said(ann, 1),
    { type: "retracted", id: "gone", author: bob, at: 2 },
    said(bob, 2),
    said(ann, 3),
    said(bob, 4),
  ];
  const unread = new Set([items[4]!.id, items[2]!.id, "gone", "not here"]);
  assertEquals(unreadIn(items, unread), { first: items[2]!.id, count: 2 });
  assertEquals(unreadIn(items, new Set()), { first: undefined, count: 0 });
});

Deno.test("notes and gaps stand alone; a gap has no day of its own", () => {
  const items: TimelineItem[] = [
    { type: "gap", id: "g", count: 3, gone: true },
    { type: "note", id: "n", at: 1, author: ann, note: "room_opened", name: "x" },
    said(ann, 2),
    { type: "gap", id: "g2", count: 3, gone: false },
    said(ann, 3),
  ];
  assertEquals(types(items), ["gap", "day", "note", "ann 1", "gap", "ann 1"]);
});

Deno.test("rows have keys that no other row has", () => {
  const items = [said(ann, 1), said(bob, 2), said(ann, DAY_MS), said(ann, DAY_MS * 2)];
  const keys = rowsOf(items, dayOf, items[2]!.id).map((row) => row.key);
  assertEquals(new Set(keys).size, keys.length);
});
