import type { PersonView } from "../../lib/chat/timeline.ts";
import { markOf } from "../../lib/design/hue.ts";
import { useTexts } from "../texts.ts";

/** Somebody's mark and name, and what has to be known of them: host, me, a copied name. */
export function Author(props: { person: PersonView; class?: string }) {
  const { person } = props;
  const t = useTexts();
  const mark = markOf(person.author);
  return (
    <span class={`${mark.hueClass} min-w-0 ${props.class ?? ""}`}>
      <span role="img" aria-label={t.room.markOf(mark.colorName)} class="mr-1">{mark.emoji}</span>
      <bdi class="font-bold text-hue">{person.name}</bdi>
      {person.me && <Tag>{t.room.you}</Tag>}
      {person.host && <Tag>{t.room.host}</Tag>}
      {person.copiedName && <span class="ml-2 text-xs font-bold text-warn">{t.room.copiedName(person.name)}</span>}
    </span>
  );
}

function Tag(props: { children: string }) {
  return (
    <span class="ml-2 px-1 border border-current text-xs font-bold uppercase tracking-wide text-dim whitespace-nowrap">
      {props.children}
    </span>
  );
}
