/** Reads text that is typed or pasted into the code field: links to sealed rooms open, and their keys are in no request. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CODE_WORDS_PATTERN, readTypedRoom } from "@/lib/chat/typed_room.ts";
import { toBase64Url } from "@/lib/shared/base64url.ts";
import { createHomeModel } from "@/lib/session/home/home_model.ts";
import { memoryStorage } from "@/lib/session/storage/memory_storage.ts";
import { fakeEd25519 } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const ID = "AbCdEfGhIjKlMnOpQrStUv", KEY = "k3yK3yk3y-K3y_k3yK3yKw";
const OPENS = { found: "sealed" as const, path: `/s/${ID}#${KEY}` };

const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toBase64Url);
/** The same text, escaped so many times. */
const escaped = (text: string, times: number) => {
  for (let time = 0; time < times; time++) text = encodeURIComponent(text);
  return text;
};
const spelled = fc.record({
  host: fc.constantFrom(
    "https://chat.example/s/",
    "HTTPS://CHAT.EXAMPLE/S/",
    "http://10.0.0.7:8000/s/",
    "chat.example/s/",
    "/s/",
    "",
  ),
  query: fc.constantFrom("", "?utm_source=mail&fbclid=x", "/", "/?utm_source=a%20b"),
  hash: fc.constantFrom("#", "＃", "﹟", "%23", "%2523", "%EF%BC%83", "&#35;", "&#x23;", "# "),
  around: fc.constantFrom(
    ["", ""],
    ["come here: ", ""],
    ["<", ">"],
    ['"', '".'],
    ["(", ")!"],
    ["[room](", ")"],
    ["  ", "\n"],
    ["cosmic-stage-417 or ", " cosmic-stage-418"],
    ["", "?utm_source=mail"],
    ["", "&fbclid=abc"],
    ["code: ", "…"],
  ),
  hidden: fc.constantFrom("", "\u200b", "\u2060", "\u00ad", "\ufe0f"),
  hiddenAt: fc.nat(40),
  times: fc.nat(2),
});
type Spelling = typeof spelled extends fc.Arbitrary<infer Value> ? Value : never;
const spell = (id: string, key: string, { host, query, hash, around, hidden, hiddenAt, times }: Spelling) => {
  const link = `${host}${id}${query}${hash}${key}`;
  return `${around[0]}${escaped(link.slice(0, hiddenAt) + hidden + link.slice(hiddenAt), times)}${around[1]}`;
};

/** The requests that the home page's model sends for this text. */
async function requestsFor(typed: string): Promise<{ asked: string[]; path: string | undefined }> {
  const time = new VirtualTime(), asked: string[] = [];
  const home = createHomeModel({
    log() {},
    clock: time.clock,
    timers: time.timers,
    random: { bytes: (count) => new Uint8Array(count), fraction: () => 0 },
    storage: memoryStorage(),
    ed25519: fakeEd25519,
    fetch(path, init) {
      asked.push(decodeURIComponent(path), String(init?.body ?? ""));
      return Promise.resolve(Response.json({ problem: "no_such_room" }));
    },
  });
  const answer = await home.join(typed);
  home.dispose();
  return { asked, path: "path" in answer ? answer.path : undefined };
}

function assertKeyless(sent: readonly string[], key: string): void {
  for (const text of sent) {
    for (let at = 0; at + 8 <= key.length; at++) {
      assert(!text.toLowerCase().includes(key.slice(at, at + 8).toLowerCase()), `${text} has a part of ${key}`);
    }
  }
}

Deno.test("[CODE-5] a link to a sealed room opens in any spelling, and no request has its key or eight characters of it", async () => {
  await fc.assert(
    fc.asyncProperty(sixteen, sixteen, spelled, async (id, key, spelling) => {
      const { asked, path } = await requestsFor(spell(id, key, spelling));
      assertEquals(path, `/s/${id}#${key}`);
      assertKeyless(asked, key);
    }),
    { numRuns: 500 },
  );
});

Deno.test("[CODE-5] no request has a key, with any text around it and cut at any place", async () => {
  const noise = fc.string({ unit: fc.constantFrom(..."ab 7-_/?#%.:sr", "/r/", "/s/", "cosmic", "417") });
  await fc.assert(
    fc.asyncProperty(sixteen, noise, noise, async (key, before, after) => {
      // A page that a key opens is not asked for with it: only the part before "#" is.
      const { asked, path = "" } = await requestsFor(`${before}${/[\w-]$/.test(before) ? " " : ""}${key} ${after}`);
      fc.pre(!/\/s\/\s*$/i.test(before)); // The place of an id, which is no secret.
      assertKeyless([...asked, path.split("#")[0]!], key);
    }),
    { numRuns: 500 },
  );
});

Deno.test("[CODE-5] a form without scripts submits codes and words, and no link or key", () => {
  for (const flags of ["u", "v"]) {
    const pattern = new RegExp(`^(?:${CODE_WORDS_PATTERN})$`, flags);
    for (
      const code of [
        "cosmic-stage-417",
        "Cosmic Stage 417",
        " COSMIC_STAGE.417 ",
        "cosmicstage417",
        "cosmic – stage 417",
        "cösmic stage 4",
      ]
    ) {
      assert(pattern.test(code), code);
    }
    fc.assert(fc.property(sixteen, sixteen, spelled, (id, key, spelling) => {
      assert(!pattern.test(spell(id, key, spelling)));
      assert(!pattern.test(key));
    }));
  }
});

Deno.test("a link that mail broke, or that is not whole, still leads to its room", () => {
  assertEquals(
    readTypedRoom(`https://chat.example/s/${ID.slice(0, 9)}\n ${ID.slice(9)}#${KEY.slice(0, 5)}\n${KEY.slice(5)}`),
    OPENS,
  );
  assertEquals(readTypedRoom(`/s/${ID}#${KEY.slice(0, 9)}`), { found: "sealed", path: `/s/${ID}#${KEY.slice(0, 9)}` });
  assertEquals(readTypedRoom(`/s/${ID}`), { found: "sealed", path: `/s/${ID}` });
});

Deno.test("codes are found in texts and links; text that may not be sent is not requested", () => {
  for (
    const typed of [
      "cosmic-stage-417",
      "COSMIC STAGE 417",
      "come to https://chat.example/r/cosmic-stage-417?utm_source=x#top",
      "cosmic.stage417",
    ]
  ) {
    assertEquals(readTypedRoom(typed), { found: "code", code: "cosmic-stage-417" });
  }
  assertEquals(readTypedRoom(" cosmicstage417 "), { found: "words", words: "cosmicstage417" });
  assertEquals(readTypedRoom("cosmic stagge"), { found: "words", words: "cosmic stagge" });
  for (const typed of [KEY, `key ${KEY}`, "https://chat.example/", "# cosmic stage", "", "x".repeat(5_000)]) {
    assertEquals(readTypedRoom(typed), { found: "nothing" }, typed);
  }
});
