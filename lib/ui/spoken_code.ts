// Runs in browser and server.
/** Ways to show a room code such as "cosmic-stage-417". */

/** The lines that a room code is drawn in: its words and its number. */
export function codeLines(code: string): string[] {
  return code.split("-");
}

/** The code as people say it: "cosmic stage 417". */
export function spokenCode(code: string): string {
  return code.replaceAll("-", " ");
}
