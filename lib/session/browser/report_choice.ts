/** Whether this page may report what it measures of its transports. Browser only. */

const KEY = "festival-chat.reports";

/** The browser asks for everybody not to be followed (Do Not Track, Global Privacy Control): then nothing is told. */
export function browserObjects(): boolean {
  const { globalPrivacyControl, doNotTrack } = navigator as {
    globalPrivacyControl?: boolean;
    doNotTrack?: string | null;
  };
  return globalPrivacyControl === true || doNotTrack === "1" || doNotTrack === "yes";
}

/** What was chosen on this device; without a word, yes. */
export function reportsChosen(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return false; // Where no "no" can be kept, nobody is asked.
  }
}

export function chooseReports(on: boolean): void {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Nothing can be kept, and so nothing is reported.
  }
}

export function mayReport(): boolean {
  return !browserObjects() && reportsChosen();
}
