/** The operator's notices to everybody, for pages outside of rooms. The server renders these itself, so it checks them. */
import type { Verifier } from "../../crypto/signing.ts";
import type { AuthorKey, WireEvent } from "../../protocol/event.ts";
import type { Notice, NoticeId } from "../../protocol/notice.ts";

export interface BroadcastsDeps {
  /** The current ones. */
  notices(): readonly Notice[];
  /** The operator's public key; undefined: there is none. */
  operator: AuthorKey | undefined;
  verifier: Verifier;
}

export class Broadcasts {
  readonly #deps: BroadcastsDeps;
  /** Whether the operator signed it; of the current notices. */
  #signed = new Map<NoticeId, Promise<boolean>>();

  constructor(deps: BroadcastsDeps) {
    this.#deps = deps;
  }

  /** Notices to all rooms, and withdrawals, as far as this server's operator signed them. */
  async wires(): Promise<WireEvent[]> {
    const { notices, operator, verifier } = this.#deps;
    const current = notices().filter((notice) =>
      notice.operator === operator && (notice.kind === "withdrawal" || notice.rooms === undefined)
    );
    const before = this.#signed;
    this.#signed = new Map(
      current.map(({ id, operator, wire }) => [id, before.get(id) ?? verifier.verify(operator, ...wire)]),
    );
    const signed = await Promise.all(this.#signed.values());
    return current.filter((_, at) => signed[at]).map(({ wire }) => wire);
  }
}
