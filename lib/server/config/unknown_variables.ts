/** Settings that are misspelt: variables of the environment that look like ours and are none. */
import { VARIABLES } from "./variables.ts";

/** Read by `deno task build` and by the tests, not by the server. */
const OTHER_VARIABLES = ["FESTIVAL_SERVICE_WORKER", "FESTIVAL_TEST_FAST", "FESTIVAL_TEST_SKIPS"];

/** Variables of earlier versions, with the one that took their place. */
const REPLACED: Readonly<Record<string, string>> = { FESTIVAL_PROXY_HOPS: "FESTIVAL_TRUSTED_PROXIES" };

/** One line for each `FESTIVAL_` name that the server does not read, with the nearest name that it reads. */
export function unknownVariables(names: readonly string[]): string[] {
  const known = VARIABLES.map(({ name }) => name);
  const ours = names.filter((name) => name.startsWith("FESTIVAL_")).sort();
  return ours.filter((name) => !known.includes(name) && !OTHER_VARIABLES.includes(name)).map((name) => {
    const nearest = REPLACED[name] ?? nearestOf(name, known);
    return `${name} is no setting and changes nothing; the nearest name is ${nearest}`;
  });
}

function nearestOf(name: string, known: readonly string[]): string {
  const far = known.map((one) => ({ one, distance: editDistance(name, one) }));
  return far.reduce((least, next) => next.distance < least.distance ? next : least).one;
}

/** The fewest letters to insert, delete or replace (Levenshtein). */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...from].entries()) {
    const next = [above + 1];
    for (let at = 0; at < to.length; at++) {
      next.push(Math.min(row[at]! + (letter === to[at] ? 0 : 1), row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
