/** One content coding of an Accept-Encoding header. */
interface Preference {
  /** Lower case; "*" means every coding that the header does not name. */
  readonly coding: string;
  readonly weight: number;
}

function parse(header: string): Preference[] {
  const preferences = header.split(",").filter((item) => item.trim() !== "").map((item) => {
    const [coding = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.map((parameter) => /^q\s*=\s*(.*)$/.exec(parameter)?.[1]).find((q) => q !== undefined);
    return { coding, weight: weight === undefined ? 1 : Math.min(1, Math.max(0, Number(weight) || 0)) };
  });
  // A header that does not mention "identity" accepts it, after everything it names (RFC 9110 §12.5.3).
  if (!preferences.some(({ coding }) => coding === "identity" || coding === "*")) {
    const weights = preferences.map(({ weight }) => weight).filter((weight) => weight > 0);
    preferences.push({ coding: "identity", weight: Math.min(1, ...weights) });
  }
  return preferences;
}

/** Returns the content encodings that a request accepts, best first, or the best of the given ones, if any. */
export function acceptsEncodings(request: Pick<Request, "headers">): string[];
export function acceptsEncodings<T extends string = string>(
  request: Pick<Request, "headers">,
  ...encodings: T[]
): T | undefined;
export function acceptsEncodings(
  request: Pick<Request, "headers">,
  ...encodings: string[]
): string | string[] | undefined {
  const header = request.headers.get("accept-encoding");
  if (!header) return encodings.length === 0 ? ["*"] : encodings[0];
  const preferences = parse(header);
  const byWeight = (a: Preference, b: Preference) => b.weight - a.weight;
  if (encodings.length === 0) {
    return preferences.filter(({ weight }) => weight > 0).sort(byWeight).map(({ coding }) => coding);
  }
  const isNamed = (coding: string) => preferences.some((preference) => preference.coding === coding);
  return preferences.filter(({ weight }) => weight > 0)
    // Among equal weights a named coding comes before "*".
    .sort((a, b) => byWeight(a, b) || Number(a.coding === "*") - Number(b.coding === "*"))
    .flatMap(({ coding }) =>
      encodings.filter((offer) => {
        const name = offer.toLowerCase();
        return coding === name || coding === "*" && !isNamed(name);
      })
    )[0];
}
