/** What is half written, per room, so that a reload or a look at another room costs nothing. */

const PREFIX = "festival-chat.draft.";
/** Longest draft kept, in UTF-16 units: a pasted book is still in the field, not in storage. */
const DRAFT_MAX_CHARS = 20_000;

/** Where drafts are: of a sealed room only as long as the tab lives, so that no clear text stays behind. */
export interface DraftPlace {
  room: string;
  sealed: boolean;
}

export function readDraft(place: DraftPlace): string {
  try {
    return storageOf(place).getItem(PREFIX + place.room) ?? "";
  } catch {
    // Storage is off in this browser: there is no draft.
    return "";
  }
}

/** Keeps a draft, or removes it when empty. When storage is full, the drafts of other rooms make place. */
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
    // Storage is off or too small: the draft lives in the field alone.
  }
}

function storageOf({ sealed }: DraftPlace): Storage {
  return sealed ? sessionStorage : localStorage;
}
