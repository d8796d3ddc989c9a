import { useRef, useState } from "preact/hooks";
import { Button } from "../common/Button.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import { CodeForm } from "./CodeForm.tsx";
import { CodeLinks } from "./CodeLinks.tsx";
import { icons } from "../common/more_icons.ts";
import { openPage } from "./open_page.ts";

/** The result of looking a code up. */
export type JoinAnswer = { path: string } | { problem: string; suggestions?: readonly string[] };

/** Joins a room by its code, or by scanning. */
export function JoinForm(props: { onJoin: (typed: string) => Promise<JoinAnswer>; onScan: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [looking, setLooking] = useState(false);
  const [failed, setFailed] = useState<{ problem: string; suggestions?: readonly string[] }>();

  const join = async (typed: string) => {
    if (typed.trim() === "") return input.current?.focus();
    setLooking(true);
    setFailed(undefined);
    const answer = await props.onJoin(typed);
    if ("path" in answer) return openPage(answer.path);
    setLooking(false);
    setFailed(answer);
    input.current?.focus();
  };

  return (
    <CodeForm
      inputRef={input}
      looking={looking}
      problem={failed?.problem}
      onInput={() => setFailed(undefined)}
      onSubmit={(typed) => void join(typed)}
    >
      {failed?.suggestions !== undefined && failed.suggestions.length > 0 && (
        <div role="status">
          <p class="font-bold mb-1">{t.home.didYouMean}</p>
          <CodeLinks codes={failed.suggestions} />
        </div>
      )}
      <Button icon={icons.scan} wide onClick={props.onScan}>{t.home.scan}</Button>
    </CodeForm>
  );
}
