/** The people in one open room, me among them. */
import type { ReadonlySignal } from "@preact/signals";
import type { PersonView } from "../../chat/timeline.ts";
import type { SendProblem } from "./conversation_model.ts";

export interface PeopleModel {
  /** Me in this room; undefined until the key is derived. */
  readonly me: ReadonlySignal<PersonView | undefined>;
  readonly people: ReadonlySignal<{ count: number; shown: readonly PersonView[] }>;
  /** Sets my display name, here and for rooms opened later. */
  rename(name: string): Promise<{ problem?: SendProblem }>;
}
