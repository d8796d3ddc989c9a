/** One item of an Accept header, with its place and weight. */
interface Preference {
  /** As it was sent. */
  readonly text: string;
  /** In lower case. */
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
  readonly place: number;
}

/** How well a preference fits an offer: higher is more specific, null is not at all. */
type Fit = (preference: Preference, offer: string) => number | null;

type Subject = Pick<Request, "headers">;

/** Splits at a character that stands outside of quotes. */
function splitOutsideQuotes(text: string, separator: "," | ";"): string[] {
  const pattern = separator === "," ? /(?:"(?:\\.|[^"\\])*"|[^,"])+/g : /(?:"(?:\\.|[^"\\])*"|[^;"])+/g;
  return (text.match(pattern) ?? []).map((part) => part.trim()).filter((part) => part !== "");
}

function parse(header: string): Preference[] {
  return splitOutsideQuotes(header, ",").map((item, place) => {
    const [text = "", ...rest] = splitOutsideQuotes(item, ";");
    const parameters = new Map<string, string>();
    let weight = 1;
    for (const parameter of rest) {
      const [name = "", value = ""] = parameter.split(/\s*=\s*/, 2);
      if (name.toLowerCase() === "q") weight = Math.min(1, Math.max(0, Number(value) || 0));
      else parameters.set(name.toLowerCase(), value.replace(/^"(.*)"$/, "$1"));
    }
    return { text, value: text.toLowerCase(), parameters, weight, place };
  });
}

/** The offers that are wanted, best first: by weight, then by how specific the wish was, then by its place. */
function rank(preferences: Preference[], offers: readonly string[], fit: Fit): string[] {
  return offers
    .map((offer, place) => {
      const fits = preferences
        .map((preference) => ({ preference, fit: fit(preference, offer) }))
        .filter((entry): entry is { preference: Preference; fit: number } => entry.fit !== null)
        .sort((a, b) => b.fit - a.fit || b.preference.weight - a.preference.weight);
      return { offer, place, best: fits[0] };
    })
    .filter(({ best }) => best !== undefined && best.preference.weight > 0)
    .sort((a, b) =>
      b.best!.preference.weight - a.best!.preference.weight || b.best!.fit - a.best!.fit ||
      a.best!.preference.place - b.best!.preference.place || a.place - b.place
    )
    .map(({ offer }) => offer);
}

function wanted(preferences: Preference[]): string[] {
  return preferences
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.place - b.place)
    .map(({ text }) => text);
}

const fitMediaType: Fit = (preference, offer) => {
  const [offered = "", ...offeredParameters] = offer.toLowerCase().split(";").map((part) => part.trim());
  const [type, subtype] = preference.value.split("/");
  const [offeredType, offeredSubtype] = offered.split("/");
  if (type !== "*" && type !== offeredType) return null;
  if (subtype !== "*" && subtype !== offeredSubtype) return null;
  for (const [name, value] of preference.parameters) {
    if (value !== "*" && !offeredParameters.includes(`${name}=${value.toLowerCase()}`)) return null;
  }
  return (type === "*" ? 0 : 4) + (subtype === "*" ? 0 : 2) + (preference.parameters.size > 0 ? 1 : 0);
};

const fitEncoding: Fit = ({ value }, offer) => value === offer.toLowerCase() ? 1 : value === "*" ? 0 : null;

const fitLanguage: Fit = ({ value }, offer) => {
  const language = offer.toLowerCase();
  if (value === language) return 4;
  if (value === language.split("-")[0]) return 2;
  if (value.split("-")[0] === language) return 1;
  return value === "*" ? 0 : null;
};

/** The media types that a request accepts, best first; or the best of the given ones, undefined when none is. */
export function accepts(request: Subject): string[];
export function accepts<T extends string = string>(request: Subject, ...types: T[]): T | undefined;
export function accepts(request: Subject, ...types: string[]): string | string[] | undefined {
  const header = request.headers.get("accept");
  if (types.length === 0) return header ? wanted(parse(header)) : ["*/*"];
  return header ? rank(parse(header), types, fitMediaType)[0] : types[0];
}

/** The content encodings that a request accepts, best first; or the best of the given ones, undefined when none is. */
export function acceptsEncodings(request: Subject): string[];
export function acceptsEncodings<T extends string = string>(request: Subject, ...encodings: T[]): T | undefined;
export function acceptsEncodings(request: Subject, ...encodings: string[]): string | string[] | undefined {
  const header = request.headers.get("accept-encoding");
  if (!header) return encodings.length === 0 ? ["*"] : encodings[0];
  const preferences = parse(header);
  // What is not said about "identity" means: acceptable, after everything that is named (RFC 9110 §12.5.3).
  if (!preferences.some(({ value }) => value === "identity" || value === "*")) {
    const least = Math.min(1, ...preferences.filter(({ weight }) => weight > 0).map(({ weight }) => weight));
    preferences.push({
      text: "identity",
      value: "identity",
      parameters: new Map(),
      weight: least,
      place: preferences.length,
    });
  }
  return encodings.length === 0 ? wanted(preferences) : rank(preferences, encodings, fitEncoding)[0];
}

/** The languages that a request accepts, best first; or the best of the given ones, undefined when none is. */
export function acceptsLanguages(request: Subject): string[];
export function acceptsLanguages<T extends string = string>(request: Subject, ...langs: T[]): T | undefined;
export function acceptsLanguages(request: Subject, ...langs: string[]): string | string[] | undefined {
  const header = request.headers.get("accept-language");
  if (langs.length === 0) return header ? wanted(parse(header)) : ["*"];
  return header ? rank(parse(header), langs, fitLanguage)[0] : langs[0];
}
