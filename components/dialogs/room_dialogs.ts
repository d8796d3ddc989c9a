/**
 * Components of a room's page that are shown on request, or rarely. They load together, at the first touch of the page
 * (components/lazy_components.ts).
 */
export { default as ConnectionDialog } from "./ConnectionDialog.tsx";
export { default as MessageActions } from "./MessageActions.tsx";
export { default as EmptyRoom } from "./EmptyRoom.tsx";
export { default as Notices } from "./Notices.tsx";
export { default as PeopleDialog } from "./PeopleDialog.tsx";
export { default as ProblemScreen } from "./ProblemScreen.tsx";
export { default as RefusalReason } from "./RefusalReason.tsx";
export { default as SettingsDialog } from "./SettingsDialog.tsx";
