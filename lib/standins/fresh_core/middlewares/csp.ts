import { NONCE } from "../render/render.ts";
import type { Middleware } from "../types.ts";

/** Options of {@linkcode csp}. */
export interface CSPOptions {
  /** Report violations without blocking them. Default: false. */
  reportOnly?: boolean;
  /** The URL to which browsers send reports. */
  reportTo?: string;
  /** Directives to add. A directive replaces the default of the same name. */
  csp?: string[];
  /** Allow inline scripts and styles by a nonce that is new for each page, instead of 'unsafe-inline'. Default: false. */
  useNonce?: boolean;
}

const DEFAULTS = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "upgrade-insecure-requests",
];

/** Directives in which the nonce replaces 'unsafe-inline'. */
const INLINE = new Set([
  "default-src",
  "script-src",
  "script-src-elem",
  "style-src",
  "style-src-attr",
  "style-src-elem",
]);

function nameOf(directive: string): string {
  return directive.split(" ", 1)[0]!;
}

/** Sets the Content-Security-Policy header of every answer. */
export function csp<State>(options: CSPOptions = {}): Middleware<State> {
  const { reportOnly = false, reportTo, csp: given = [], useNonce = false } = options;
  const replaced = new Set(given.map(nameOf));
  const directives = [
    ...DEFAULTS.filter((directive) => !replaced.has(nameOf(directive))),
    ...given,
  ];
  if (reportTo) {
    directives.push("report-to csp-endpoint", `report-uri ${reportTo}`);
  }
  const header = reportOnly ? "Content-Security-Policy-Report-Only" : "Content-Security-Policy";

  return async (ctx) => {
    const response = await ctx.next();
    const nonce = useNonce ? (response as { [NONCE]?: string })[NONCE] : undefined;
    const policy = nonce === undefined
      ? directives
      : directives.map((directive) =>
        INLINE.has(nameOf(directive)) ? directive.replaceAll("'unsafe-inline'", `'nonce-${nonce}'`) : directive
      );
    response.headers.set(header, policy.join("; "));
    if (reportTo) {
      response.headers.set("Reporting-Endpoints", `csp-endpoint="${reportTo}"`);
    }
    return response;
  };
}
