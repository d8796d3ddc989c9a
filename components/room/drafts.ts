/** Stores an unsent text per room, so that it survives a reload or a visit to another room. */

const PREFIX = "festival-chat.draft.";
/** Longest stored draft, in UTF-16 units. The field itself holds more. */
const DRAFT_MAX_CHARS = 20_000;

/** The room of a draft. A sealed room's draft lives only as long as its tab, so that no plain text stays behind. */
export interface DraftPlace {
  room: string;
  sealed: boolean;
}

export function readDraft(place: DraftPlace): string {
  try {
    return storageOf(place).getItem(PREFIX + place.room) ?? "";
  } catch {
    // Storage is off in this browser, so there is no draft.
    return "";
  }
}

/** Stores a draft; an empty one is removed. If storage is full, the drafts of other rooms are dropped. */
export function writeDraft(place: DraftPlace, text: string): void {
  try {
    const storage = storageOf(place);
    const key = PREFIX + place.room;
    if (text === "") return storage.removeItem(key);
    const kept = text.slice(0, DRAFT_MAX_CHARS);
    try {
      storage.setItem(key, kept);
    } catch {
      for (const other of Object.keys(storage)) if (other.startsWith(PREFIX)) storage.removeItem(other);
      storage.setItem(key, kept);
    }
  } catch {
    // Storage is off or too small: only the field holds the draft.
  }
}

function storageOf({ sealed }: DraftPlace): Storage {
  return sealed ? sessionStorage : localStorage;
}
