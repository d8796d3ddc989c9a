/** Loads components of a room's page on demand. */
const load = () => import("./dialogs/room_dialogs.ts");

export const loadConnectionDialog = async () => ({ default: (await load()).ConnectionDialog });
export const loadMessageActions = async () => ({ default: (await load()).MessageActions });
export const loadEmptyRoom = async () => ({ default: (await load()).EmptyRoom });
export const loadNotices = async () => ({ default: (await load()).Notices });
export const loadPeopleDialog = async () => ({ default: (await load()).PeopleDialog });
export const loadProblemScreen = async () => ({ default: (await load()).ProblemScreen });
export const loadRefusalReason = async () => ({ default: (await load()).RefusalReason });
export const loadSettingsDialog = async () => ({ default: (await load()).SettingsDialog });
export const loadFileCard = () => import("./files/FileCard.tsx");
export const loadFileDialog = () => import("./files/FileDialog.tsx");
export const loadPairingDialog = () => import("./qr/PairingDialog.tsx");
export const loadShareDialog = () => import("./dialogs/ShareDialog.tsx");

/** Loads menus and dialogs at the first touch, so that they open at once. */
export function loadAtFirstTouch(): void {
  // Without a network this fails, and each component loads when it is shown.
  const early = () => void load().catch(() => {});
  for (const touch of ["pointermove", "pointerdown", "keydown"]) addEventListener(touch, early, { once: true });
}
