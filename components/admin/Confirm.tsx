import { adminTexts as t } from "../../lib/ui/texts/admin_texts.ts";
import { Button } from "../common/Button.tsx";
import { Field } from "../common/Field.tsx";
import { type FormToken, Section, Token } from "./AdminPage.tsx";

/** Confirms an irreversible action: says what it deletes, and asks for a typed text. */
export function Confirm(props: {
  what: "clear" | "delete" | "wipe";
  says: string;
  type: string;
  operator: FormToken;
  action: string;
  back: string;
  problem?: string | undefined;
}) {
  const { what, operator } = props;
  return (
    <Section title={t.confirm[what]} alarm>
      <p class="text-lg font-bold">{props.says}</p>
      <p class="text-dim">{t.confirm.kept}</p>
      <form method="post" action={props.action} class="flex flex-col gap-4 max-w-xl">
        <Token operator={operator} />
        <input type="hidden" name="action" value={what} />
        <Field
          label={t.confirm.type(props.type)}
          name="typed"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          required
          problem={props.problem}
        />
        <div class="flex flex-wrap gap-3">
          <Button type="submit" look="alarm" icon="warn">{t.confirm.yes[what]}</Button>
          <a href={props.back} class="inline-flex items-center min-h-touch px-4 font-bold underline">{t.confirm.no}</a>
        </div>
      </form>
    </Section>
  );
}
