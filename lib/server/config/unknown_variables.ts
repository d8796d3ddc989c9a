/** Settings that are misspelt: variables of the environment that look like ours and are none. */
import { editDistance } from "../../chat/room_code_nearness.ts";
import { VARIABLES } from "./variables.ts";

/** Read by `deno task build` and by the tests, not by the server. */
const OTHER_VARIABLES = ["FESTIVAL_SERVICE_WORKER", "FESTIVAL_TEST_FAST", "FESTIVAL_TEST_SKIPS"];

/** Variables of earlier versions, with the one that took their place. */
const REPLACED: Readonly<Record<string, string>> = { FESTIVAL_PROXY_HOPS: "FESTIVAL_TRUSTED_PROXIES" };

/** Names are compared up to this many differences. */
const LONGEST_NAME = 100;

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
  const far = known.map((one) => ({ one, distance: editDistance(name, one, LONGEST_NAME) }));
  return far.reduce((least, next) => next.distance < least.distance ? next : least).one;
}
