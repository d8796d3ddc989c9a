import { Lettering } from "./Lettering.tsx";

/** The name of the app as its laser sign. */
export function Wordmark(props: { name: string; class?: string }) {
  return <Lettering lines={props.name.split(" ")} label={props.name} class={props.class ?? ""} />;
}
