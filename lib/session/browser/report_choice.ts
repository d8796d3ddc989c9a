/** Whether this page may report its transport statistics. Browser only. */

const KEY = "festival-chat.reports";

/** The browser asks not to be tracked (Do Not Track, Global Privacy Control): nothing is reported. */
export function browserObjects(): boolean {
  const { globalPrivacyControl, doNotTrack } = navigator as {
    globalPrivacyControl?: boolean;
    doNotTrack?: string | null;
  };
  return globalPrivacyControl === true || doNotTrack === "1" || doNotTrack === "yes";
}

/** The choice stored on this device; without one, yes. */
export function reportsChosen(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return false; // Where a "no" cannot be stored, nothing is reported.
  }
}

export function chooseReports(on: boolean): void {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Nothing can be stored, so nothing is reported.
  }
}

export function mayReport(): boolean {
  return !browserObjects() && reportsChosen();
}
