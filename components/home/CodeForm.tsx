import type { ComponentChildren, Ref } from "preact";
import { Button } from "../common/Button.tsx";
import { Field } from "../common/Field.tsx";
import { useHomeTexts } from "../home_texts.ts";

/** The field for a room code. As it is, the server looks the code up; `onSubmit` may do it in the page instead. */
export function CodeForm(props: {
  onSubmit?: (typed: string) => void;
  onInput?: () => void;
  problem?: string | undefined;
  looking?: boolean;
  inputRef?: Ref<HTMLInputElement>;
  children?: ComponentChildren;
}) {
  const t = useHomeTexts();
  return (
    <form
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
        maxLength={200}
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
