import type { PersonView } from "../../lib/chat/timeline.ts";
import { Dialog } from "../common/Dialog.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import { Author } from "../message/Author.tsx";

/** The people in the room now. */
export default function PeopleDialog(props: {
  people: { count: number; shown: readonly PersonView[] };
  onClose: () => void;
}) {
  const { count, shown } = props.people;
  return (
    <Dialog title={t.room.peopleTitle(count)} onClose={props.onClose}>
      <ul>
        {shown.map((person) => (
          <li key={person.author} class="flex items-center min-h-touch py-1 border-t border-line">
            <Author person={person} />
          </li>
        ))}
      </ul>
      {count > shown.length && <p class="text-dim py-2">{t.room.peopleMore(count - shown.length)}</p>}
    </Dialog>
  );
}
