import type { PersonView } from "../../lib/chat/timeline.ts";
import { markOf } from "../../lib/ui/hue.ts";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/** A person's mark and name, with tags: me, host, a name that someone else had first. */
export function Author(props: { person: PersonView; class?: string }) {
  const { person } = props;
  const mark = markOf(person.author);
  return (
    <span class={`${mark.hueClass} min-w-0 ${props.class ?? ""}`}>
      <span role="img" aria-label={t.room.markOf(mark.colorName)} class="mr-1">{mark.emoji}</span>
      <bdi class="font-bold text-hue">{nameOf(person)}</bdi>
      {person.me && <Tag>{t.room.you}</Tag>}
      {person.host && <Tag>{t.room.host}</Tag>}
      {person.copiedName && <span class="ml-2 text-xs font-bold text-warn">{t.room.copiedName(person.name)}</span>}
    </span>
  );
}

/** The name to show. A person's messages may arrive before their name. */
export function nameOf(person: PersonView): string {
  return person.name !== "" ? person.name : person.me ? t.room.meNameless : t.room.nameless;
}

function Tag(props: { children: string }) {
  return (
    <span class="ml-2 px-1 border border-current text-xs font-bold uppercase tracking-wide text-dim whitespace-nowrap">
      {props.children}
    </span>
  );
}
