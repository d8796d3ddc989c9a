import { assertEquals } from "@std/assert";
import { readScanned } from "@/lib/ui/room_link.ts";

const ORIGIN = "https://chat.example";
const ID = "AAAAAAAAAAAAAAAAAAAAAA";

Deno.test("a scanned link to a room of this site is opened", () => {
  assertEquals(readScanned("https://chat.example/r/cosmic-stage-417", ORIGIN), {
    found: "code",
    path: "/r/cosmic-stage-417",
    code: "cosmic-stage-417",
  });
  assertEquals(readScanned(" HTTPS://CHAT.EXAMPLE/R/COSMIC-STAGE-417 ", ORIGIN), {
    found: "code",
    path: "/r/cosmic-stage-417",
    code: "cosmic-stage-417",
  });
});

Deno.test("a sealed room's key stays with its link", () => {
  assertEquals(readScanned(`${ORIGIN}/s/${ID}#key`, ORIGIN), { found: "sealed", path: `/s/${ID}#key` });
});

Deno.test("everything else is foreign and is shown, not opened", () => {
  for (
    const text of [
      "https://evil.example/r/cosmic-stage-417",
      "http://chat.example/r/cosmic-stage-417",
      "https://chat.example:444/r/cosmic-stage-417",
      "https://chat.example/admin",
      "https://chat.example/s/short",
      "javascript:alert(1)",
      "WIFI:S:net;;",
      "",
    ]
  ) assertEquals(readScanned(text, ORIGIN), { found: "foreign", text });
  const long = readScanned("x".repeat(500), ORIGIN);
  assertEquals(long, { found: "foreign", text: `${"x".repeat(80)}…` });
});
