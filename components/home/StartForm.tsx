import { useRef, useState } from "preact/hooks";
import type { RoomKind } from "../../lib/protocol/event.ts";
import { ROOM_NAME_MAX_CHARS } from "../../lib/protocol/limits.ts";
import type { Waiting } from "../../lib/session/home/home_model.ts";
import { Button } from "../common/Button.tsx";
import { Choices } from "../common/Choices.tsx";
import { Field } from "../common/Field.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import { tidyRoomName } from "./room_name.ts";

const KINDS: readonly RoomKind[] = ["unlisted", "listed", "sealed"];

/** Starts a room in one step: its name and kind. */
export function StartForm(props: {
  /** Creates the room; resolves to its path or to a problem. */
  onStart: (name: string, kind: RoomKind, waiting: Waiting) => Promise<{ path: string } | { problem: string }>;
  /** The page's code has loaded. */
  ready: boolean;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [kind, setKind] = useState<RoomKind>("unlisted");
  const [state, setState] = useState<"ready" | "opening" | "waiting">("ready");
  const request = useRef<AbortController>();
  const [problem, setProblem] = useState<string>();

  const start = async () => {
    if (state !== "ready") return;
    const name = tidyRoomName(input.current?.value ?? "");
    if (name === "" || [...name].length > ROOM_NAME_MAX_CHARS) {
      setProblem(name === "" ? t.home.nameMissing : t.home.nameTooLong(ROOM_NAME_MAX_CHARS));
      return input.current?.focus();
    }
    setState("opening");
    const { signal } = request.current = new AbortController();
    const answer = await props.onStart(name, kind, { wanted: signal, onWait: () => setState("waiting") });
    if (signal.aborted) return;
    if ("path" in answer) return location.assign(answer.path);
    setState("ready");
    setProblem(answer.problem);
  };
  /** Called when the form changes: the waiting request is for another room. */
  const stopWaiting = () => {
    if (state !== "waiting") return;
    request.current?.abort();
    setState("ready");
  };

  return (
    <form
      class="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <Field
        label={t.home.roomName}
        problem={problem}
        inputRef={input}
        name="room"
        placeholder={t.home.roomNameHint}
        autocomplete="off"
        enterkeyhint="go"
        dir="auto"
        onInput={() => {
          setProblem(undefined);
          stopWaiting();
        }}
      />
      <Choices
        legend={t.home.kind}
        name="kind"
        value={kind}
        options={KINDS.map((value) => ({ value, label: t.kinds[value].name }))}
        hint={t.kinds[kind].hint}
        onChange={(kind) => {
          setKind(kind);
          stopWaiting();
        }}
      />
      <Button type="submit" look="flare" wide disabled={state !== "ready" || !props.ready}>
        {{ ready: t.home.open, opening: t.home.opening, waiting: t.home.waiting }[state]}
      </Button>
      {state === "waiting" && (
        <div class="flex flex-col items-start gap-2">
          <p role="status" class="text-warn font-bold">{t.home.waits}</p>
          <Button onClick={stopWaiting}>{t.home.stopWaiting}</Button>
        </div>
      )}
    </form>
  );
}
