/** What the operator says to everybody, for pages outside of rooms. The server draws it itself, so it is checked here. */
import type { Verifier } from "../../crypto/signing.ts";
import type { AuthorKey, WireEvent } from "../../protocol/event.ts";
import type { Notice, NoticeId } from "../../protocol/notice.ts";

export interface BroadcastsDeps {
  /** Those that hold now. */
  notices(): readonly Notice[];
  /** This server's operator; undefined: nobody. */
  operator: AuthorKey | undefined;
  verifier: Verifier;
}

export class Broadcasts {
  readonly #deps: BroadcastsDeps;
  /** Whether the operator signed it; of those that hold. */
  #signed = new Map<NoticeId, Promise<boolean>>();

  constructor(deps: BroadcastsDeps) {
    this.#deps = deps;
  }

  /** Notices to all rooms, and withdrawals: only what this server's operator signed. */
  async wires(): Promise<WireEvent[]> {
    const { notices, operator, verifier } = this.#deps;
    const said = notices().filter((notice) =>
      notice.operator === operator && (notice.kind === "withdrawal" || notice.rooms === undefined)
    );
    const before = this.#signed;
    this.#signed = new Map(
      said.map(({ id, operator, wire }) => [id, before.get(id) ?? verifier.verify(operator, ...wire)]),
    );
    const signed = await Promise.all(this.#signed.values());
    return said.filter((_, at) => signed[at]).map(({ wire }) => wire);
  }
}
