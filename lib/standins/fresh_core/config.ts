/** What `new App()` accepts. */
export interface FreshConfig {
  /** Path prefix of every route, for example "/chat". Default: none. */
  basePath?: string;
  /** Default: "production"; the dev server sets "development". */
  mode?: "development" | "production";
  /** Build `ctx.url` from X-Forwarded-Proto and X-Forwarded-Host. Only behind a proxy that sets both. Default: false. */
  trustProxy?: boolean;
}

/** {@linkcode FreshConfig} with every default filled in, plus the project's root folder. */
export interface ResolvedFreshConfig {
  root: string;
  basePath: string;
  mode: "development" | "production";
  trustProxy: boolean;
}
