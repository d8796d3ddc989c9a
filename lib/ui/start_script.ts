/**
 * Tells people that a page cannot start, where it would otherwise say "opening" forever. Only the server renders this.
 */

/** Ids of the two messages in the page, hidden until one applies. */
export const START_PROBLEM_IDS = { tooOld: "too-old", notStarted: "not-started" } as const;

/**
 * Runs at the end of <body>, before any module. It is ES5, so that old browsers can run it. The features that it checks
 * came with iOS/Safari 15.4, Chrome 99 and Firefox 102, or shortly before.
 *
 * The element with the attribute `data-starting` says that the page is opening, and disappears once it is open; an error
 * before that replaces it. A module that fails to load fires `error` at its script element; one that fails to parse, or
 * throws, fires it at the window.
 */
export const START_SCRIPT = `(function(){` +
  `function starting(){return document.querySelector("[data-starting]")}` +
  `function show(id){var p=starting();if(p)p.hidden=true;document.getElementById(id).hidden=false}` +
  `if(!(Object.hasOwn&&[].at&&window.structuredClone&&window.BroadcastChannel&&window.HTMLDialogElement&&` +
  `"noModule" in document.createElement("script")))return show("${START_PROBLEM_IDS.tooOld}");` +
  `addEventListener("error",function(e){` +
  `if(e.target.nodeName==="SCRIPT"||e.target===window&&(document.readyState!=="complete"||starting()))` +
  `show("${START_PROBLEM_IDS.notStarted}")},true)` +
  `})()`;
