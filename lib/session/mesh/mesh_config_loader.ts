/** Gets the mesh configuration of the server, again before its credentials end, and again when it did not come. */
import { type MeshConfig, readMeshConfig } from "../../protocol/peer/mesh_config.ts";

export interface MeshConfigLoaderDeps {
  /** Requests `GET /mesh/config`; the answer is still unread. Rejects without a network. */
  fetchConfig(membership?: string): Promise<unknown>;
  onConfig(config: MeshConfig): void;
  /** A request is over, with or without a configuration. */
  onAnswer(): void;
  log(line: string): void;
}

/** Least time between two requests. */
const RETRY_AFTER_MS = 15_000;
/** Credentials are renewed this long before they end. */
const RENEW_BEFORE_MS = 300_000;

export class MeshConfigLoader {
  readonly #deps: MeshConfigLoaderDeps;
  #config: MeshConfig | undefined;
  /** The configuration came without a membership, and so without credentials. */
  #asStranger = false;
  #state: { name: "idle"; notBefore: number } | { name: "loading" } = { name: "idle", notBefore: 0 };

  constructor(deps: MeshConfigLoaderDeps) {
    this.#deps = deps;
  }

  /** Undefined until the server has answered. */
  get config(): MeshConfig | undefined {
    return this.#config;
  }

  /** The next `refresh` need not wait. */
  hurry(): void {
    if (this.#state.name === "idle") this.#state.notBefore = 0;
  }

  /**
   * Requests the configuration if it is missing or ends soon, or if there is a `membership` now. `now`: of the clock that
   * durations go by, ms.
   */
  refresh(now: number, membership?: string): void {
    const state = this.#state;
    if (state.name === "loading" || now < state.notBefore || !this.#isStale(membership)) return;
    this.#state = { name: "loading" };
    this.#deps.fetchConfig(membership).then((answer) => {
      const config = readMeshConfig(answer);
      if (config === undefined) return this.#deps.log("mesh: the configuration cannot be read");
      this.#config = config;
      this.#asStranger = membership === undefined;
      this.#deps.onConfig(config);
    }).catch(() => {
      // No network, or no such server: `refresh` tries again.
    }).finally(() => {
      this.#state = { name: "idle", notBefore: now + RETRY_AFTER_MS };
      this.#deps.onAnswer();
    });
  }

  #isStale(membership: string | undefined): boolean {
    const config = this.#config;
    // `expiresAt` is the server's time. With a wrong clock here, credentials are renewed too often or too late for new links.
    return config === undefined || (this.#asStranger && membership !== undefined) ||
      (config.expiresAt !== undefined && Date.now() > config.expiresAt - RENEW_BEFORE_MS);
  }
}
