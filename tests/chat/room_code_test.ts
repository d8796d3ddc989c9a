import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatRoomCode, normalizeRoomCode, parseRoomCode } from "@/lib/chat/room_code.ts";
import { editDistance, isOneEdit, soundKey } from "@/lib/chat/room_code_nearness.ts";
import { CODE_LOOKUPS_MAX, codeCandidates, roomCodeFor, suggestRoomCodes } from "@/lib/chat/room_code_words.ts";
import { ADJECTIVES } from "@/lib/chat/words_adjectives.ts";
import { NOUNS } from "@/lib/chat/words_nouns.ts";

const LISTS = { adjectives: ADJECTIVES, nouns: NOUNS };
const listedCode = fc.record({
  adjective: fc.constantFrom(...ADJECTIVES),
  noun: fc.constantFrom(...NOUNS),
  number: fc.integer({ min: 1, max: 999 }),
});

/** `exists` over a fixed set, counting its look-ups. */
function registry(...codes: string[]) {
  const asked: string[] = [];
  const known = new Set(codes);
  return { asked, exists: (code: string) => (asked.push(code), Promise.resolve(known.has(code))) };
}

/** All of the Damerau–Levenshtein table, as textbooks have it: slow, and without the bound's short cuts. */
function plainDistance(a: string, b: string): number {
  const at = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const edits = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
    const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
    return swap ? Math.min(edits, at(i - 2, j - 2) + 1) : edits;
  };
  return at(a.length, b.length);
}

for (const [name, list] of Object.entries(LISTS)) {
  Deno.test(`the ${name} are 1,024 different words of 3 to 9 letters a–z, sorted`, () => {
    assertEquals(new Set(list).size, 1_024);
    assertEquals(list.length, 1_024);
    assertEquals(list.filter((word) => !/^[a-z]{3,9}$/.test(word)), []);
    assertEquals([...list].sort(), list);
  });

  Deno.test(`no slip of one letter turns one of the ${name} into another`, () => {
    const close = list.flatMap((a, at) =>
      list.slice(at + 1).filter((b) => editDistance(a, b, 1) < 2).map((b) => [a, b])
    );
    assertEquals(close, []);
  });

  Deno.test(`none of the ${name} is another one's plural`, () => {
    const words = new Set(list);
    const singulars = (word: string) => [
      word.replace(/s$/, ""),
      word.replace(/es$/, ""),
      word.replace(/ies$/, "y"),
      word.replace(/ves$/, "f"),
      word.replace(/ves$/, "fe"),
    ];
    assertEquals(list.filter((word) => singulars(word).some((other) => other !== word && words.has(other))), []);
  });
}

Deno.test("no word is both an adjective and a noun, and cosmic-stage is possible", () => {
  const nouns = new Set(NOUNS);
  assertEquals(ADJECTIVES.filter((word) => nouns.has(word)), []);
  assert(ADJECTIVES.includes("cosmic") && nouns.has("stage"));
});

Deno.test("words heard or spelled in two ways stay off the lists", () => {
  const unsafe =
    ("night knight blue blew sea see red read tale tail bass base pear pair sunny grey gray color colour " +
      "main mane bear bare flower flour deer dear son sun hare hair moose mousse medal metal petal pedal cozy cosy")
      .split(" ");
  const all = new Set([...ADJECTIVES, ...NOUNS]);
  assertEquals(unsafe.filter((word) => all.has(word)), []);
});

Deno.test("the edit distance agrees with the textbook algorithm, up to its bound", () => {
  assertEquals(editDistance("stage", "satge", 2), 1);
  assertEquals(editDistance("cosmic", "comic", 2), 1);
  assertEquals(editDistance("ca", "abc", 3), 3);
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
  fc.assert(fc.property(word, word, fc.integer({ min: 0, max: 4 }), (a, b, atMost) => {
    assertEquals(editDistance(a, b, atMost), Math.min(plainDistance(a, b), atMost + 1));
    assertEquals(isOneEdit(a, b), plainDistance(a, b) === 1);
  }));
});

Deno.test("words that sound alike share a sound key", () => {
  for (const [a, b] of [["dolfin", "dolphin"], ["kosmik", "cosmic"], ["kwilt", "quilt"], ["rist", "wrist"]]) {
    assertEquals(soundKey(a!), soundKey(b!));
  }
  assert(soundKey("stage") !== soundKey("stone"));
});

Deno.test("a code is understood in any case and with any separators", () => {
  const typings = [
    "cosmic-stage-417",
    "COSMIC-STAGE-417",
    "Cosmic Stage 417",
    "cosmic_stage_417",
    "cosmic.stage.417",
    "  cosmic - stage - 417  ",
    "cosmic stage417",
    "cosmic–stage—417",
    "cosmic-stage-0417",
    "“Cosmic-Stage-417”!",
    "Ｃｏｓｍｉｃ stage ４１７",
    "cós\u200Bmic\u00AD-stage-417",
    "Meet us in cosmic stage 417, at 5",
    "The stage 5 people are in cosmic-stage-417",
    "https://chat.example/r/cosmic-stage-417",
    "HTTPS://CHAT.EXAMPLE/R/Cosmic-Stage-417?from=qr#top",
    "see https://chat.example/r/cosmic%20stage%20417/ now",
  ];
  for (const typed of typings) assertEquals(normalizeRoomCode(typed), "cosmic-stage-417", typed);
});

Deno.test("a text that cannot have the shape of a code is none", () => {
  const none = [
    "",
    "cosmic-stage",
    "cosmic-stage-0",
    "cosmic-stage-1000",
    "cosmic-stage-4170",
    "cosmic-stage-417th",
    "cosmicstage417",
    "co-stage-417",
    "astronomical-stage-417",
    "космос-stage-417",
    "cosmic-stage-४१७",
    "417-cosmic-stage",
    "https://big-stage-12.example/r/lobby",
    `cosmic-stage-417${" ".repeat(3_000)}`,
  ];
  for (const typed of none) assertEquals(normalizeRoomCode(typed), undefined, typed);
});

Deno.test("normalising a code again changes nothing, and no text throws", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (a, b) => {
    const code = normalizeRoomCode(`${a} Cosmic ${b} stage 7`);
    if (code !== undefined) assertEquals(normalizeRoomCode(code), code);
    assert(code === undefined || parseRoomCode(code) !== undefined);
  }));
});

Deno.test("parsing undoes formatting, and every code of listed words has the shape", () => {
  fc.assert(fc.property(listedCode, (parts) => {
    const code = formatRoomCode(parts);
    assertEquals(parseRoomCode(code), parts);
    assertEquals(normalizeRoomCode(code), code);
    assertEquals(normalizeRoomCode(`${parts.adjective}  ${parts.noun}${parts.number}`.toUpperCase()), code);
  }));
});

Deno.test("parsing takes only the canonical shape, formatting makes no other", () => {
  for (
    const code of ["Cosmic-stage-417", "cosmic-stage-007", "cosmic stage 417", "cosmic-stage-1000", "cosmic-stage-1\n"]
  ) {
    assertEquals(parseRoomCode(code), undefined, code);
  }
  for (const number of [0, 1_000, 1.5, NaN, -1]) {
    assertThrows(() => formatRoomCode({ adjective: "cosmic", noun: "stage", number }), RangeError);
  }
  assertThrows(() => formatRoomCode({ adjective: "Cosmic", noun: "stage", number: 1 }), RangeError);
});

Deno.test("a room gets the same code for the same attempt, on every machine", () => {
  assertEquals(VECTORS.map(([room, attempt]) => roomCodeFor(room, attempt)), VECTORS.map(([, , code]) => code));
});

Deno.test("20,000 rooms share no more codes than chance gives, and use every word and number evenly", () => {
  const rooms = 20_000;
  const codes = Array.from({ length: rooms }, (_, at) => roomCodeFor(`room-${at}`, 0));
  // Birthday expectation n²/2N is 0.19 pairs; more than 3 comes once in 20,000 such experiments.
  const shared = rooms - new Set(codes).size;
  assert(shared <= 3, `${shared} shared codes`);
  const parts = codes.map((code) => parseRoomCode(code)!);
  /** Pearson's χ² against an even spread, in standard deviations from its mean. */
  const unevenness = (values: (string | number)[], kinds: number) => {
    const counts = new Map<string | number, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    const expected = rooms / kinds;
    const unused = (kinds - counts.size) * expected;
    const chi2 = unused + [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    return Math.abs(chi2 - (kinds - 1)) / Math.sqrt(2 * (kinds - 1));
  };
  for (
    const [values, kinds] of [
      [parts.map((part) => part.adjective), 1_024],
      [parts.map((part) => part.noun), 1_024],
      [parts.map((part) => part.number), 999],
    ] as const
  ) {
    const sigma = unevenness([...values], kinds);
    assert(sigma < 4, `${sigma} standard deviations`);
  }
});

Deno.test("a taken code leads to another one", () => {
  const attempts = new Set(Array.from({ length: 50 }, (_, attempt) => roomCodeFor("a room", attempt)));
  assertEquals(attempts.size, 50);
});

Deno.test("a slip in a code brings the code that exists", async () => {
  const slips = [
    "cosmik-stage-417",
    "comsic-stage-417",
    "cosmicc stage 417",
    "cosmic-stge-417",
    "cosmic-satge-417",
    "kosmik-stage-417",
    "cosmik-stagge-417",
    "stage-cosmic-417",
    "satge-cosmic-417",
    "cosmicstage417",
    "Cosmicstage 417",
    "cosmikstage417",
    "cos mic stage 417",
    "join cosmicstage 417",
    "417 cosmic stage",
    "cosmic-stage-471",
    "cosmic-stage-147",
    "cosmic-stage-41",
    "cosmic-stage-4177",
    "cosmic-stage-418",
    "https://chat.example/r/cosmik-stage-417",
  ];
  for (const typed of slips) {
    const { exists } = registry("cosmic-stage-417", "festive-tango-3");
    assertEquals(await suggestRoomCodes(typed, exists), ["cosmic-stage-417"], typed);
  }
});

Deno.test("one letter off anywhere in the words is always found", () => {
  const slip = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom("drop", "swap", "add", "replace"),
    letter: fc.constantFrom(..."aeklrtxz"),
  });
  fc.assert(
    fc.property(listedCode, slip, fc.boolean(), (parts, { at, kind, letter }, inNoun) => {
      const word = inNoun ? parts.noun : parts.adjective;
      const i = at % (word.length - 1);
      const [head, tail] = [word.slice(0, i), word.slice(i)];
      const wrong = {
        drop: head + tail.slice(1),
        swap: head + tail[1] + tail[0] + tail.slice(2),
        add: head + letter + tail,
        replace: head + letter + tail.slice(1),
      }[kind]!;
      fc.pre(wrong !== word);
      const typed = inNoun ? `${parts.adjective} ${wrong} ${parts.number}` : `${wrong}-${parts.noun}-${parts.number}`;
      assert(codeCandidates(typed).includes(formatRoomCode(parts)), typed);
    }),
    { numRuns: 200 },
  );
});

Deno.test("codes run together or with swapped words are always found", () => {
  fc.assert(
    fc.property(listedCode, (parts) => {
      const code = formatRoomCode(parts);
      assert(codeCandidates(code.replaceAll("-", "")).slice(0, 3).includes(code), code);
      assert(codeCandidates(`${parts.noun} ${parts.adjective} ${parts.number}`).slice(0, 3).includes(code), code);
    }),
    { numRuns: 100 },
  );
});

Deno.test("nearer codes come first, at most as many as asked for", async () => {
  const codes = ["cosmic-stage-999", "cosmic-stage-147", "cosmic-stage-417"];
  const { exists } = registry(...codes);
  assertEquals(await suggestRoomCodes("cosmicstage417", exists), ["cosmic-stage-417", "cosmic-stage-147"]);
  assertEquals(await suggestRoomCodes("cosmicstage417", exists, 1), ["cosmic-stage-417"]);
  assertEquals(await suggestRoomCodes("cosmicstage417", exists, 0), []);
});

Deno.test("the code that was typed is no suggestion for itself", () => {
  fc.assert(
    fc.property(listedCode, (parts) => {
      const code = formatRoomCode(parts);
      assert(!codeCandidates(code.replaceAll("-", " ")).includes(code));
    }),
    { numRuns: 30 },
  );
});

Deno.test("however odd the input, it never throws and costs at most 64 look-ups, each of a well-formed code", async () => {
  const pieces = fc.array(
    fc.oneof(fc.constantFrom(...ADJECTIVES, ...NOUNS), fc.string({ unit: "binary" }), fc.nat().map(String)),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(pieces, fc.constantFrom("", " ", "-"), async (parts, gap) => {
      const { asked, exists } = registry();
      assertEquals(await suggestRoomCodes(parts.join(gap), exists), []);
      assert(asked.length <= CODE_LOOKUPS_MAX);
      assertEquals(new Set(asked).size, asked.length);
      assertEquals(asked.filter((code) => parseRoomCode(code) === undefined), []);
    }),
    { numRuns: 200 },
  );
  const { asked, exists } = registry();
  for (const odd of ["", "417", "cosmic", "-", "0", "cosmic stage 99999", "/r/", "%", "a".repeat(5_000) + "1"]) {
    assertEquals(await suggestRoomCodes(odd, exists), [], odd);
  }
  assertEquals(asked, []);
});

Deno.test("an input with two exact readings stops at 64 look-ups", async () => {
  // "cinematic king" or "ticking cinema", each with some 48 numbers near 41.
  const { asked, exists } = registry();
  await suggestRoomCodes("cinematicking41", exists);
  assertEquals(asked.length, CODE_LOOKUPS_MAX);
  assertEquals(asked.slice(0, 2), ["cinematic-king-41", "ticking-cinema-41"]);
});

Deno.test("normalising and display names load no word list", async () => {
  for (const file of ["room_code.ts", "display_name.ts"]) {
    const source = await Deno.readTextFile(new URL(`../../lib/chat/${file}`, import.meta.url));
    const imports = [...source.matchAll(/^(?:import|export) .* from "(.*)";$/gm)].map((match) => match[1]!);
    assertEquals(imports.filter((path) => /words|nearness/.test(path)), [], file);
  }
});

/** Room id, attempt, code. Changes only when the word lists do. */
const VECTORS: [room: string, attempt: number, code: string][] = [
  ["", 0, "majestic-sprint-947"],
  ["room", 0, "chrome-rowboat-940"],
  ["room", 1, "nice-vine-125"],
  ["room", 2, "oceanic-parsley-283"],
  ["kq3vT9xQ2mB7dL0wYc5ZfA", 0, "cubic-fantasy-961"],
  ["Ünïcode 🎪", 7, "poetic-clownfish-257"],
];
