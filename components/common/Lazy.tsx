import type { ComponentChildren, ComponentType } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { Button } from "./Button.tsx";
import { Dialog } from "./Dialog.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/** Loads a component when it is first shown, and shows nothing meanwhile. `otherwise` is shown if loading fails. */
export function Lazy<Props extends object>(props: {
  load: () => Promise<{ default: ComponentType<Props> }>;
  props: Props;
  otherwise?: ComponentChildren;
}) {
  const [loaded, setLoaded] = useState<{ Part: ComponentType<Props> } | "failed">();
  // A layout effect runs before the browser paints, so a loaded component appears at once.
  useLayoutEffect(() => {
    // Without a network loading may fail, and the page does without this component.
    props.load().then((module) => setLoaded({ Part: module.default }), () => setLoaded("failed"));
  }, []);
  if (loaded === "failed") return <>{props.otherwise}</>;
  return loaded ? <loaded.Part {...props.props} /> : null;
}

/** Loads a dialog when it is first shown. `load` has to be the same function on every render. */
export function LazyDialog<Props extends { onClose: () => void }>(props: {
  load: () => Promise<{ default: ComponentType<Props> }>;
  title: string;
  props: Props;
}) {
  const [loaded, setLoaded] = useState<{ Part: ComponentType<Props> } | "failed">();
  const load = () => {
    setLoaded(undefined);
    props.load().then((module) => setLoaded({ Part: module.default }), () => setLoaded("failed"));
  };
  useLayoutEffect(load, []);
  if (loaded === undefined) return null;
  if (loaded !== "failed") return <loaded.Part {...props.props} />;
  return (
    <Dialog title={props.title} onClose={props.props.onClose}>
      <p role="alert" class="mb-4">{t.noNetwork}</p>
      <Button onClick={load}>{t.app.tryAgain}</Button>
    </Dialog>
  );
}
