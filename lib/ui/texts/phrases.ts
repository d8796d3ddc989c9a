// Runs in browser and server.
/** Small sentences made of what the app knows. */
import type { HttpProblem } from "../../session/home/room_requests.ts";
import type { HomeTexts } from "./home_texts.ts";

/** Why a request did not do what it should, in plain words. */
export function sendProblemText(texts: HomeTexts, { problem }: { problem: HttpProblem["problem"] }): string {
  return problem === "offline" ? texts.noNetwork : texts.creating[problem];
}

/** The lines that a room's code is set in: its words and its number. */
export function codeLines(code: string): string[] {
  return code.split("-");
}

/** The code as it is said: "cosmic stage 417". */
export function spokenCode(code: string): string {
  return code.replaceAll("-", " ");
}
