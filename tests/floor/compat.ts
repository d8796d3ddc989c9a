/** The oldest supported browsers, and the features that they lack by MDN's browser-compat-data. */

/** The minimum versions. Older browsers are told that they are too old (lib/ui/start_script.ts); the bundler has the same target. */
export const FLOOR = {
  safari_ios: "15.4",
  safari: "15.4",
  chrome: "99",
  chrome_android: "99",
  firefox: "102",
  firefox_android: "102",
} as const;

interface Statement {
  version_added?: string | boolean | null;
  version_removed?: string | boolean | null;
  prefix?: string;
  alternative_name?: string;
  partial_implementation?: boolean;
  flags?: unknown;
}

/** A feature with its sub-features, in the format of the data. */
export interface Feature {
  __compat?: { support: Record<string, Statement | Statement[]> };
  [part: string]: Feature | undefined | { support: Record<string, Statement | Statement[]> };
}

const data = JSON.parse(
  await Deno.readTextFile(new URL("data.json", import.meta.resolve("@mdn/browser-compat-data"))),
) as Record<"api" | "css" | "html" | "javascript", Feature>;

/** The feature at a path such as `api.AbortSignal.any_static`; undefined if the data has none. */
export function featureAt(...path: string[]): Feature | undefined {
  let at: Feature | undefined = data as unknown as Feature;
  for (const part of path) {
    if (at === undefined || part === "__compat" || !Object.hasOwn(at, part)) return undefined;
    at = at[part] as Feature;
  }
  return at;
}

/** The named sub-features of a feature. */
export function partsOf(feature: Feature | undefined): [string, Feature][] {
  return Object.entries(feature ?? {}).filter(([name]) => name !== "__compat") as [string, Feature][];
}

/** The minimum browsers that lack a feature; none if the data does not say. `prefix`: in this spelling. */
export function lackingIn(feature: Feature | undefined, prefix?: string): string[] {
  const support = feature?.__compat?.support;
  if (support === undefined) return [];
  return Object.entries(FLOOR).flatMap(([browser, version]) => {
    const statements = [support[browser] ?? []].flat();
    // The data is incomplete.
    if (statements.length === 0) return [];
    const has = statements.some((statement) =>
      statement.flags === undefined && statement.prefix === prefix &&
      statement.alternative_name === undefined &&
      isBy(statement.version_added, version) && !isBy(statement.version_removed, version)
    );
    return has ? [] : [`${browser} ${version}`];
  });
}

/** Whether each feature of one name is lacking somewhere. If one is not, a script may mean that one. */
export function lackingInAll(features: readonly Feature[]): string[] {
  const lacking = features.map((feature) => lackingIn(feature));
  return lacking.every((browsers) => browsers.length > 0) ? lacking[0] ?? [] : [];
}

function isBy(since: string | boolean | null | undefined, version: string): boolean {
  if (typeof since !== "string" || since === "preview") return since === true;
  const [had, has] = [since.replace("≤", ""), version].map((text) => text.split(".").map(Number));
  for (const [i, part] of had!.entries()) {
    if (part !== (has![i] ?? 0)) return part < (has![i] ?? 0);
  }
  return true;
}
