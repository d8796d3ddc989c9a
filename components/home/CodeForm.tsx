import type { ComponentChildren, Ref } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { CODE_INPUT_MAX_CHARS } from "../../lib/chat/room_code.ts";
import { CODE_WORDS_PATTERN } from "../../lib/chat/typed_room.ts";
import { Button } from "../common/Button.tsx";
import { Field } from "../common/Field.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";

/**
 * The field for a room code or link. Without scripts the browser submits only codes, which the server looks up: a sealed
 * room's link contains its key. `onSubmit` takes any text.
 */
export function CodeForm(props: {
  onSubmit?: (typed: string) => void;
  onInput?: () => void;
  problem?: string | undefined;
  looking?: boolean;
  inputRef?: Ref<HTMLInputElement>;
  children?: ComponentChildren;
}) {
  const form = useRef<HTMLFormElement>(null);
  // From now on links may be submitted too, because they stay in the page.
  useEffect(() => {
    if (form.current && props.onSubmit) form.current.noValidate = true;
  }, []);
  return (
    <form
      ref={form}
      action="/r"
      method="get"
      class="flex flex-col gap-3"
      onSubmit={(event) => {
        if (props.onSubmit === undefined) return;
        event.preventDefault();
        const typed = new FormData(event.currentTarget).get("code");
        props.onSubmit(typeof typed === "string" ? typed : "");
      }}
    >
      <Field
        label={t.home.code}
        hint={t.home.codeHelp}
        problem={props.problem}
        {...props.inputRef ? { inputRef: props.inputRef } : {}}
        name="code"
        placeholder={t.home.codeHint}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        enterkeyhint="go"
        maxLength={CODE_INPUT_MAX_CHARS}
        pattern={CODE_WORDS_PATTERN}
        title={t.home.codeShape}
        onInput={props.onInput}
      >
        <Button type="submit" look="flare" disabled={props.looking}>
          {props.looking ? t.home.looking : t.home.go}
        </Button>
      </Field>
      {props.children}
    </form>
  );
}
