/** From what was typed to what an event says. */
import { assertEquals } from "@std/assert";
import { composeEdit } from "../../lib/kinds/edit.ts";
import { composeMessage } from "../../lib/kinds/message.ts";
import { composeReaction } from "../../lib/kinds/reaction.ts";
import { composeReply } from "../../lib/kinds/reply.ts";

Deno.test("white space at both ends goes, line breaks within stay", () => {
  assertEquals(composeMessage("Ada", " \n one\n two \n"), {
    content: { kind: "message", body: { name: "Ada", text: "one\n two" } },
  });
});

Deno.test("an answer names what it answers", () => {
  assertEquals(composeReply("Ada", "yes", "id"), {
    content: { kind: "reply", body: { name: "Ada", text: "yes", to: "id" } },
  });
});

Deno.test("2,000 characters of any size in bytes are a message; 2,001 are too long", () => {
  assertEquals("content" in composeMessage("Ada", "🎪".repeat(2_000)), true);
  assertEquals(composeMessage("Ada", "x".repeat(2_001)), { problem: "too_long" });
  assertEquals(composeEdit("id", "🎪".repeat(2_001)), { problem: "too_long" });
});

Deno.test("nothing but white space is empty", () => {
  assertEquals(composeMessage("Ada", "\n\t \u00a0"), { problem: "empty" });
  assertEquals(composeEdit("id", ""), { problem: "empty" });
});

Deno.test("half a character, as a cut leaves it, becomes a replacement character: it could not be signed", () => {
  assertEquals(composeMessage("Ada", "cut \ud83c"), {
    content: { kind: "message", body: { name: "Ada", text: "cut \ufffd" } },
  });
});

Deno.test("a reaction is one emoji of at most 40 bytes", () => {
  assertEquals(composeReaction("id", "👩‍👩‍👧‍👦", true), {
    content: { kind: "reaction", body: { to: "id", emoji: "👩‍👩‍👧‍👦", on: true } },
  });
  assertEquals(composeReaction("id", "", true), { problem: "empty" });
  assertEquals(composeReaction("id", "x".repeat(41), true), { problem: "too_long" });
});
