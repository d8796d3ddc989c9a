import { Lettering } from "./Lettering.tsx";

/** The app's name in the display lettering. */
export function Wordmark(props: { name: string; class?: string }) {
  return <Lettering lines={props.name.split(" ")} label={props.name} class={props.class ?? ""} />;
}
