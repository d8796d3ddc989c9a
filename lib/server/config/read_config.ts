/** Reads the settings of this process from its environment. */
import { DEFAULT_CONFIG, type ServerConfig } from "./server_config.ts";
import { VARIABLES } from "./variables.ts";

/** The environment holds values that cannot be used; `mistakes` has one line for each. */
export class ConfigError extends Error {
  override name = "ConfigError";
  constructor(readonly mistakes: readonly string[]) {
    super(`the configuration cannot be used:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`);
  }
}

/** The settings; `env` answers what an environment variable holds. Throws ConfigError. */
export function readConfig(env: (name: string) => string | undefined): ServerConfig {
  // A compose file sets variables without a value to the empty text: the same as absent.
  const text = (name: string) => env(name)?.trim() || undefined;
  const config = structuredClone(DEFAULT_CONFIG);
  const onDeploy = text("DENO_DEPLOYMENT_ID") !== undefined || text("DENO_DEPLOY") !== undefined;
  const inContainer = text("container") !== undefined || text("KUBERNETES_SERVICE_HOST") !== undefined;
  config.platform = onDeploy ? "deno-deploy" : inContainer ? "container" : "plain";
  config.build = text("DENO_DEPLOYMENT_ID") ?? config.build;
  // Deno's own variables.
  config.monitoring.tracing = text("OTEL_DENO") === "true" && text("OTEL_DENO_TRACING") !== "false";

  const mistakes: string[] = [];
  for (const { name, set } of VARIABLES) {
    const value = text(name);
    const mistake = value === undefined ? undefined : set(config, value);
    if (mistake !== undefined) mistakes.push(`${name} ${mistake}`);
  }
  const { monitoring } = config;
  if (config.environment === "development" && text("FESTIVAL_FIGURES") === undefined) {
    monitoring.publicFigures = monitoring.token === undefined;
  }
  // Everybody may read without the token, so one of the two is a mistake: nobody should find out which one later.
  if (monitoring.publicFigures && monitoring.token !== undefined) {
    mistakes.push("FESTIVAL_METRICS_TOKEN guards nothing with FESTIVAL_FIGURES=public: remove one of them");
  }
  const { turnSecret, turnUrls } = config.ice;
  // One without the other gives no relay, and nobody would notice until a phone behind a NAT cannot connect.
  if ((turnSecret === undefined) !== (turnUrls.length === 0)) {
    const missing = turnSecret === undefined ? "FESTIVAL_TURN_SECRET" : "FESTIVAL_TURN_URLS";
    mistakes.push(`${missing} is missing: FESTIVAL_TURN_URLS and FESTIVAL_TURN_SECRET belong together`);
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}
