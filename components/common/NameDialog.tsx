import { useRef, useState } from "preact/hooks";
import { normalizeDisplayName } from "../../lib/chat/display_name.ts";
import { Button } from "./Button.tsx";
import { Dialog } from "./Dialog.tsx";
import { Field } from "./Field.tsx";
import { nameTexts as t } from "../../lib/ui/texts/name_texts.ts";

/** Asks for a display name. `onSave` gets the normalized name and resolves to the problem with it, if any. */
export function NameDialog(
  props: { name: string; onSave: (name: string) => Promise<string | undefined>; onClose: () => void },
) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(props.name);
  const [problem, setProblem] = useState<string>();
  const save = async () => {
    const read = normalizeDisplayName(typed);
    const wrong = "name" in read ? await props.onSave(read.name) : read.problem === "empty" ? t.empty : t.tooLong;
    if (wrong === undefined) return;
    setProblem(wrong);
    input.current?.focus();
  };
  return (
    <Dialog title={props.name === "" ? t.title : t.change} onClose={props.onClose} first={input}>
      <form
        class="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field
          label={t.label}
          hint={t.hint}
          problem={problem}
          inputRef={input}
          onFocus={(event) => event.currentTarget.select()}
          value={typed}
          name="nickname"
          autocomplete="nickname"
          dir="auto"
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setProblem(undefined);
          }}
        />
        <Button type="submit" look="flare" wide>{t.save}</Button>
      </form>
    </Dialog>
  );
}
