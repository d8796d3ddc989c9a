import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/** The reactions to a message. A press adds or removes mine. */
export function Reactions(props: {
  reactions: readonly { emoji: string; count: number; mine: boolean }[];
  onReact: (emoji: string, on: boolean) => void;
}) {
  if (props.reactions.length === 0) return null;
  return (
    <ul class="flex flex-wrap gap-1 mt-1" aria-live="off">
      {props.reactions.map(({ emoji, count, mine }) => (
        <li key={emoji}>
          {/* The touch target is larger than its drawing, so that lines of reactions stay close together. */}
          <button
            type="button"
            aria-pressed={mine}
            aria-label={t.message.reaction(emoji, count, mine)}
            onClick={() => props.onReact(emoji, !mine)}
            class="group min-h-touch min-w-touch flex items-center justify-center"
          >
            <span
              class={`inline-flex items-center gap-1 px-2 py-1 border-2 text-sm font-bold tabular-nums max-w-[10rem] overflow-hidden ${
                mine ? "bg-ink text-ground border-ink" : "bg-raised border-line group-hover:border-ink"
              }`}
            >
              <span class="truncate">{emoji}</span> {count}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
