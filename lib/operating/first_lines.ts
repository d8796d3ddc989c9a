/** The first lines that a start prints: how to open the server, and what an operator has to know of its settings. */
import type { ServerConfig } from "../server/config/server_config.ts";

export interface Start {
  listening: { host: string; port: number };
  config: Pick<ServerConfig, "dataDir" | "kvUrl" | "admin" | "monitoring">;
  /** This machine's addresses on its networks: lanAddresses. */
  lan: readonly string[];
  /** Lines about variables that are no settings: unknownVariables. */
  unknown: readonly string[];
}

/** The lines, without colours. */
export function firstLines({ listening: { host, port }, config, lan, unknown }: Start): string[] {
  const isEvery = host === "0.0.0.0" || host === "::";
  const isLocal = /^(localhost|127\.|::1$)/.test(host);
  const hosts = isEvery ? ["localhost", ...lan] : [host.includes(":") ? `[${host}]` : host];
  return [
    `open     ${hosts.map((name) => `http://${name}:${port}/`).join("  ")}`,
    ...(isLocal ? ["         from this machine only; HOST=0.0.0.0 opens it to the network"] : []),
    `data     ${config.kvUrl ?? config.dataDir}`,
    `admin    ${hasAdmin(config) ? "on, at /admin" : "off (`deno task admin:hash` makes its password)"}`,
    `figures  ${figureReaders(config)}`,
    ...unknown.map((line) => `warning  ${line}`),
  ];
}

function hasAdmin({ admin }: Start["config"]): boolean {
  return admin.passwordHash !== undefined;
}

function figureReaders(config: Start["config"]): string {
  const { publicFigures, token } = config.monitoring;
  if (publicFigures) return "public: everybody may read /metrics, /analytics and /health";
  const readers = [
    ...(hasAdmin(config) ? ["operators who are logged in"] : []),
    ...(token !== undefined ? ["readers with FESTIVAL_METRICS_TOKEN"] : []),
  ];
  return readers.length === 0
    ? "closed (FESTIVAL_METRICS_TOKEN opens them to readers with the token, FESTIVAL_FIGURES=public to everybody)"
    : `closed, except to ${readers.join(" and ")}`;
}
