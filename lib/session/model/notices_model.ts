/** The operator's notices: what a page shows of them. */
import type { ReadonlySignal } from "@preact/signals";

/** Under this key of `localStorage` a device keeps the notices and the ids of acknowledged ones (notice_board.ts). */
export const NOTICES_KEY = "festival-chat.notices";

export interface NoticeView {
  id: string;
  urgency: "emergency" | "info";
  text: string;
  /** By the device's clock, ms since 1970. */
  at: number;
  until: number;
}

export interface NoticesModel {
  /** Notices that are in force and were not acknowledged on this device; oldest first. */
  readonly notices: ReadonlySignal<readonly NoticeView[]>;
  acknowledge(id: string): void;
}
