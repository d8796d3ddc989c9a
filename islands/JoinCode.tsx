import { useSignal } from "@preact/signals";
import { CodeForm } from "../components/home/CodeForm.tsx";
import { openPage } from "../components/home/open_page.ts";
import { homeTexts as t } from "../lib/ui/texts/home_texts.ts";
import { readTypedRoom } from "../lib/chat/typed_room.ts";

/** The join form on pages without other code. Codes lead to their pages; links of sealed rooms open here. */
export default function JoinCode() {
  const problem = useSignal<string>();
  return (
    <CodeForm
      problem={problem.value}
      onInput={() => problem.value = undefined}
      onSubmit={(typed) => {
        const read = readTypedRoom(typed);
        if (read.found === "nothing") problem.value = t.home.codeShape;
        else if (read.found === "sealed") openPage(read.path);
        else location.assign(`/r/${encodeURIComponent(read.found === "code" ? read.code : read.words)}`);
      }}
    />
  );
}
