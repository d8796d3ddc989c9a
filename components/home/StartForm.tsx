import { useRef, useState } from "preact/hooks";
import type { RoomKind } from "../../lib/protocol/event.ts";
import { ROOM_NAME_MAX_CHARS } from "../../lib/protocol/limits.ts";
import { Button } from "../Button.tsx";
import { Choices } from "../Choices.tsx";
import { Field } from "../Field.tsx";
import { useHomeTexts } from "../home_texts.ts";
import { tidyRoomName } from "./room_name.ts";

const KINDS: readonly RoomKind[] = ["unlisted", "listed", "sealed"];

/** Starts a room in one step: a name, and who can find it. */
export function StartForm(props: {
  /** Makes the room and answers where it is, or why it was not made. */
  onStart: (name: string, kind: RoomKind) => Promise<{ path: string } | { problem: string }>;
  /** The page's code has loaded. */
  ready: boolean;
}) {
  const t = useHomeTexts();
  const input = useRef<HTMLInputElement>(null);
  const [kind, setKind] = useState<RoomKind>("unlisted");
  const [opening, setOpening] = useState(false);
  const [problem, setProblem] = useState<string>();

  const start = async () => {
    const name = tidyRoomName(input.current?.value ?? "");
    if (name === "" || [...name].length > ROOM_NAME_MAX_CHARS) {
      setProblem(name === "" ? t.home.nameMissing : t.home.nameTooLong(ROOM_NAME_MAX_CHARS));
      return input.current?.focus();
    }
    setOpening(true);
    const answer = await props.onStart(name, kind);
    if ("path" in answer) return location.assign(answer.path);
    setOpening(false);
    setProblem(answer.problem);
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
        onInput={() => setProblem(undefined)}
      />
      <Choices
        legend={t.home.kind}
        name="kind"
        value={kind}
        options={KINDS.map((value) => ({ value, label: t.kinds[value].name }))}
        hint={t.kinds[kind].hint}
        onChange={setKind}
      />
      <Button type="submit" look="flare" wide disabled={opening || !props.ready}>
        {opening ? t.home.opening : t.home.open}
      </Button>
    </form>
  );
}
