/** docs/DECISIONS.md: each decision has a heading, a date and a status, and the index lists all of them in order. */
import { assertEquals } from "@std/assert";
import { ROOT } from "./sources.ts";

/** The faults of such a document, one line each. */
function faultsOf(text: string): string[] {
  const decisions = [...text.matchAll(/^### (.+)\n\n(.*)/gm)].map(([, title = "", status = ""]) => {
    const [, date, superseded] = /^(\d{4}-\d\d-\d\d) · (?:accepted|(superseded) by \[.+\]\(#.+\))$/.exec(status) ?? [];
    return { title, link: anchorOf(title), date, superseded };
  });
  const expected = decisions.map(({ title, link, date, superseded }) =>
    `[${title}](#${link}), ${date}${superseded ? ", superseded" : ""}`
  );
  const index = [...text.matchAll(/^- (\[.+\]\(#.+\), .+)$/gm)].map(([, line = ""]) => line);
  const anchors = new Set(decisions.map(({ link }) => link));
  return [
    ...decisions.filter(({ date }) => date === undefined).map(({ title }) => `${title}: no date and status`),
    ...expected.filter((line, at) => index[at] !== line).map((line) => `not in its place in the index: ${line}`),
    ...index.slice(expected.length).map((line) => `no decision: ${line}`),
    ...[...text.matchAll(/\]\(#(.+?)\)/g)].map(([, link = ""]) => link).filter((link) => !anchors.has(link))
      .map((link) => `no heading: #${link}`),
  ];
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
}

Deno.test("every decision has a date and a status, and the index lists it in its place", () => {
  const text = Deno.readTextFileSync(new URL("docs/DECISIONS.md", ROOT));
  assertEquals(faultsOf(text.replaceAll(/\n {2}(?=\d{4}-)/g, " ")), []); // The formatter wraps long lines of the index.
});

Deno.test("the check sees a decision without a status, one that the index lacks, and a link to no heading", () => {
  assertEquals(
    faultsOf(
      "- [One's way](#ones-way), 2026-01-02\n- [Three](#three), 2026-01-04, superseded\n\n" +
        "### One's way\n\n2026-01-02 · accepted\n\n### Two\n\nBecause.\n\n### Three\n\n" +
        "2026-01-04 · superseded by [Four](#four)\n",
    ),
    [
      "Two: no date and status",
      "not in its place in the index: [Two](#two), undefined",
      "not in its place in the index: [Three](#three), 2026-01-04, superseded",
      "no heading: #four",
    ],
  );
});
