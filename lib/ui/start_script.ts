/**
 * Says in words that a page cannot start, where it would otherwise promise for good that it opens. Rendered by the
 * server only.
 */

/** Ids of the two signs in the page, hidden until they are true. */
export const START_PROBLEM_IDS = { tooOld: "too-old", notStarted: "not-started" } as const;

/**
 * Runs at the end of <body>, before any module. It is the text of a script, in ES5: browsers that know nothing newer
 * have to read it. All that it asks for came with iOS/Safari 15.4, Chrome 99 and Firefox 102, or shortly before.
 *
 * What says that the page is being opened has the attribute `data-starting`, and goes: an error while it is there ends
 * that. A module that does not load fires `error` at its script element, one that does not parse or throws at the window.
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
