/** Comments, documents, screen texts and test names put the actor first: docs/CONTRIBUTING.md, "Sentences". */
import { assertEquals } from "@std/assert";
import { filesIn, ROOT } from "./sources.ts";

/** A clause in the place of a subject, as in "Who comes back has a room." Questions are fine. */
const CLAUSE_AS_SUBJECT = /^(?:Who|What|Whoever|Whatever)\b/;
const DOCUMENTS = ["README.md", "CHANGELOG.md", "bench", "docs", "lib", ".github"];
const CODE = ["lib", "components", "islands", "routes", "main.ts", "dev.ts", "bench", "tests"];

/** Sentences of `text` that begin with such a clause. */
function clausesAsSubjects(text: string): string[] {
  return text.split(/(?<=[.!?:;)])\s+|\n\s*\n|\|/)
    .map((sentence) => sentence.replace(/^[\s*#>_\-`"“(]+/, "").replaceAll(/\s+/g, " ").trim())
    .filter((sentence) => CLAUSE_AS_SUBJECT.test(sentence) && !sentence.includes("?"));
}

/** The comments of a source text, each block of lines as one text. */
function commentsIn(text: string): string {
  const blocks = [...text.matchAll(/\/\*\*?([\s\S]*?)\*\//g)].map(([, block = ""]) => block.replaceAll(/^\s*\*/gm, ""));
  const lines = [...text.matchAll(/(?:^[^\S\n]*\/\/.*\n?)+|[^:"'`\n]\/\/ .*/gm)].map(([line]) =>
    line.replaceAll(/^.*?\/\//gm, "")
  );
  return [...blocks, ...lines].join("\n\n");
}

/** Texts in quotes, and the texts between tags. */
function textsIn(text: string): string {
  const quoted = [...text.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(([, double, template]) =>
    double ?? template ?? ""
  );
  const between = [...text.matchAll(/>([^<>{}=;]+)</g)].map(([, inner]) => inner ?? "");
  return [...quoted, ...between].join("\n\n");
}

/** Names of tests and their steps, as sentences. */
function testNamesIn(text: string): string {
  return [...text.matchAll(/(?:Deno\.test|\.step|\brule|\btest)\(\s*[`"]([^`"]+)[`"]/g)]
    .map(([, name = ""]) => name.replace(/^(?:\[[A-Z]+-\d+\],? ?)*/, ""))
    .map((name) => name.charAt(0).toUpperCase() + name.slice(1)).join("\n\n");
}

function found(paths: readonly string[], endings: readonly string[], read: (text: string) => string): string[] {
  return filesIn(paths, endings).filter((path) => path !== "tests/structure/sentences_test.ts").flatMap((path) =>
    clausesAsSubjects(read(Deno.readTextFileSync(new URL(path, ROOT)))).map((sentence) => `${path}: ${sentence}`)
  );
}

Deno.test("no comment begins a sentence with a clause as its subject", () => {
  assertEquals(found(CODE, [".ts", ".tsx"], commentsIn), []);
});

Deno.test("no document begins a sentence with a clause as its subject", () => {
  const documents = DOCUMENTS.filter((path) => exists(path));
  assertEquals(found(documents, [".md"], (text) => text), []);
});

Deno.test("no screen text begins a sentence with a clause as its subject", () => {
  assertEquals(found(["lib/ui/texts", "components"], [".ts", ".tsx"], textsIn), []);
});

Deno.test("no test name begins with a clause as its subject", () => {
  assertEquals(found(["tests"], [".ts", ".tsx"], testNamesIn), []);
});

Deno.test("the check sees clauses in every place, and lets questions and other words pass", () => {
  const code =
    "/** Who comes back\n * has a room. */\nconst a = 1; // What is kept stays.\n// Whose turn is it? What now?\n// Whoever\n// asks.\n";
  assertEquals(clausesAsSubjects(commentsIn(code)), [
    "Who comes back has a room.",
    "What is kept stays.",
    "Whoever asks.",
  ]);
  assertEquals(clausesAsSubjects(textsIn('x = "Whatever waits is sent."; <p>What is sent stays.</p>')), [
    "Whatever waits is sent.",
    "What is sent stays.",
  ]);
  assertEquals(clausesAsSubjects("A line. What follows is bad.\n\n| Who reads | What? |"), [
    "What follows is bad.",
    "Who reads",
  ]);
  assertEquals(clausesAsSubjects(testNamesIn('Deno.test("[ACK-1] who sends is acked", run);')), ["Who sends is acked"]);
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(new URL(path, ROOT)) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
