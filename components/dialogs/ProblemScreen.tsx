import type { RoomProblem } from "../../lib/session/model/conversation_model.ts";
import { Button } from "../common/Button.tsx";
import { StatusPage } from "../common/StatusPage.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";

/** Says why this room cannot be shown, and offers what helps. */
export default function ProblemScreen(props: { problem: RoomProblem["problem"]; name?: string | undefined }) {
  const { title, hint } = t.problems[props.problem];
  const reload = props.problem === "unsupported_version" || props.problem === "bad_hello" || props.problem === "banned";
  return (
    <StatusPage title={title} above={props.name}>
      <p role="alert" class="text-lg">{hint}</p>
      {reload && <Button look="flare" onClick={() => location.reload()}>{t.app.tryAgain}</Button>}
    </StatusPage>
  );
}
