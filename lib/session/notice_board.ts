/** The operator's notices as a page shows them. What keeps and checks them is loaded when there is one. */
import { type Signal, signal } from "@preact/signals";
import type { RoomId, WireEvent } from "../protocol/event.ts";
import type { Cancel } from "./deps.ts";
import type { Notices } from "./notices.ts";
import type { NoticesModel, NoticeView } from "./room_model.ts";

export interface NoticeBoardParts {
  room: RoomId;
  load(room: RoomId): Promise<Notices>;
  /** The device keeps some: they are shown without being heard again. */
  kept: boolean;
}

export class NoticeBoard implements NoticesModel {
  readonly notices: Signal<readonly NoticeView[]> = signal([]);
  readonly #parts: NoticeBoardParts;
  #loading: Promise<Notices> | undefined;
  #stop: Cancel = () => {};
  #disposed = false;

  constructor(parts: NoticeBoardParts) {
    this.#parts = parts;
    if (parts.kept) this.load().catch(() => {}); // Without its code nothing is shown; the next word of a notice tries again.
  }

  /** The notices of this device, loaded once. Rejects when their code does not come; the next call tries again. */
  load(): Promise<Notices> {
    return this.#loading ??= this.#parts.load(this.#parts.room).then((notices) => {
      if (this.#disposed) notices.dispose();
      else this.#stop = notices.show((views) => this.notices.value = views);
      return notices;
    }).catch((error) => {
      this.#loading = undefined;
      throw error;
    });
  }

  /** The server told of notices. */
  heard(wires: readonly WireEvent[], aheadMs: number): void {
    if (wires.length === 0 && this.#loading === undefined) return;
    this.load().then((notices) => notices.take(wires, "server", aheadMs), () => {}); // As above.
  }

  acknowledge(id: string): void {
    void this.#loading?.then((notices) => notices.acknowledge(id));
  }

  dispose(): void {
    this.#disposed = true;
    this.#stop();
    void this.#loading?.then((notices) => notices.dispose());
  }
}
