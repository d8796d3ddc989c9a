import { Icon } from "../common/Icon.tsx";
import { IconButton } from "../common/Button.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import type { ConnectionState } from "../../lib/session/model/connection_model.ts";

/** The room's header: name, code to share, people, and the state of the connection. */
export function RoomHeader(props: {
  name: string;
  /** Absent in sealed rooms, and until it is known. */
  code?: string | undefined;
  sealed: boolean;
  people: number | undefined;
  /** `phones`: no server, and peers carry messages. */
  connection: ConnectionState["state"] | "phones";
  onShare: () => void;
  onPeople: () => void;
  onSettings: () => void;
  onConnection: () => void;
}) {
  return (
    <header class="wristband band on-band z-10 w-full max-w-3xl mx-auto">
      <div class="flex items-center">
        <a
          href="/"
          aria-label={t.app.back}
          title={t.app.back}
          class="inline-flex items-center justify-center min-w-touch min-h-touch pl-1"
        >
          <Icon name="back" />
        </a>
        <h1 class="flex-1 min-w-0 truncate font-display font-extrabold text-xl" dir="auto">{props.name}</h1>
        <ConnectionMark state={props.connection} onOpen={props.onConnection} />
        <IconButton icon="gear" label={t.room.settings} onClick={props.onSettings} class="pr-1" />
      </div>
      <div class="room-stub perforated flex items-stretch text-base font-bold">
        <button
          type="button"
          onClick={props.onShare}
          class="flex-1 min-w-0 flex items-center gap-2 min-h-touch pl-3 pr-1 text-left"
        >
          <Icon name={props.sealed ? "lock" : "share"} class="w-5 h-5" />
          <span class="sr-only">{t.room.share}:</span>
          <span class={`truncate font-display ${props.code === undefined ? "" : "uppercase tracking-wide"}`}>
            {props.code ?? (props.sealed ? t.room.sealed : "–")}
          </span>
        </button>
        <button
          type="button"
          onClick={props.onPeople}
          class="flex items-center gap-1 min-h-touch min-w-touch pl-2 pr-4 font-display whitespace-nowrap tabular-nums"
        >
          <Icon name="people" class="w-5 h-5" />
          {props.people === undefined ? "–" : t.room.people(props.people)}
        </button>
      </div>
    </header>
  );
}

const MARKS: Record<ConnectionState["state"] | "phones", string> = {
  connected: "bg-on-band",
  phones: "bg-on-band rotate-45",
  connecting: "pulse border-2 border-on-band",
  disconnected: "border-2 border-on-band rotate-45",
};

/** The state of the connection as a shape (full, pulsing, tilted, hollow) and a word. A press opens the panel. */
function ConnectionMark({ state, onOpen }: { state: ConnectionState["state"] | "phones"; onOpen: () => void }) {
  return (
    <div class="relative flex items-center min-h-touch px-2">
      <p class="flex items-center gap-2 text-sm font-bold whitespace-nowrap" role="status">
        <span class={`w-3 h-3 ${MARKS[state]}`} aria-hidden="true" />
        {state === "disconnected" ? t.connection.offline : t.connection[state]}
      </p>
      {/* Beside the text, not around it: screen readers do not announce changes inside a button. */}
      <button
        type="button"
        onClick={onOpen}
        aria-label={t.connection.open}
        title={t.connection.open}
        class="absolute inset-0 w-full h-full"
      />
    </div>
  );
}
