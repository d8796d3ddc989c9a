/** Tags of rules: each names one rule of docs/PROTOCOL.md or docs/LIMITS.md, and tests cite every one of them. */
import { assertEquals } from "@std/assert";
import { filesIn, ROOT } from "./sources.ts";

const CITING = ["tests", "bench", "lib", "components", "islands", "routes", "docs", "README.md", "main.ts", "dev.ts"];

interface Text {
  path: string;
  text: string;
}

/** Tags of the rules that `protocol` states, in bold: one entry per rule. */
function statedTags(protocol: string): string[] {
  return [...protocol.matchAll(/\*\*\[([A-Z]+-\d+)\]\*\*/g)].map(([, tag = ""]) => tag);
}

/** Tags in brackets in `text`, bold or not. */
function citedTags(text: string): Set<string> {
  return new Set([...text.matchAll(/\[([A-Z]+-\d+)\]/g)].map(([, tag = ""]) => tag));
}

function tagsOfTwoRules(protocol: string): string[] {
  const tags = statedTags(protocol);
  return tags.filter((tag, index) => tags.indexOf(tag) !== index);
}

function rulesWithoutTest(protocol: string, tests: readonly Text[]): string[] {
  const cited = new Set(tests.flatMap(({ text }) => [...citedTags(text)]));
  return statedTags(protocol).filter((tag) => !cited.has(tag));
}

function citationsOfNoRule(protocol: string, texts: readonly Text[]): string[] {
  const stated = new Set(statedTags(protocol));
  return texts.flatMap(({ path, text }) =>
    [...citedTags(text)].filter((tag) => !stated.has(tag)).map((tag) => `${path}: ${tag}`)
  );
}

const protocol = () =>
  ["docs/PROTOCOL.md", "docs/LIMITS.md"].map((path) => Deno.readTextFileSync(new URL(path, ROOT))).join("\n");

/** The files below `paths` that may cite rules. This folder's synthetic tags are left out. */
function textsIn(paths: readonly string[]): Text[] {
  return filesIn(paths, [".ts", ".tsx", ".md"]).filter((path) => !path.startsWith("tests/structure/"))
    .map((path) => ({ path, text: Deno.readTextFileSync(new URL(path, ROOT)) }));
}

Deno.test("no tag names two rules", () => {
  assertEquals(tagsOfTwoRules(protocol()), []);
});

Deno.test("a test cites every rule", () => {
  assertEquals(rulesWithoutTest(protocol(), textsIn(["tests"])), []);
});

Deno.test("tests, code and documents cite only rules that exist", () => {
  assertEquals(citationsOfNoRule(protocol(), textsIn(CITING)), []);
});

Deno.test("the check sees a tag of two rules, a rule without a test and a citation of no rule", () => {
  const protocol = "- **[ACK-1]** One.\n- **[ACK-2]** Two, see [ACK-1]. **[ACK-3]** Three.\n- **[ACK-1]** Four.";
  assertEquals(tagsOfTwoRules(protocol), ["ACK-1"]);
  const tests = [
    { path: "tests/a_test.ts", text: 'Deno.test("[ACK-1] [ACK-4] one", run);' },
    { path: "tests/b_test.ts", text: "/** Rules: [ACK-2]. [SHA-256 is no tag] */\nDeno.test(names[ACK], run);" },
  ];
  assertEquals(rulesWithoutTest(protocol, tests), ["ACK-3"]);
  assertEquals(citationsOfNoRule(protocol, tests), ["tests/a_test.ts: ACK-4"]);
});
