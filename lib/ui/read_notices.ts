/** Which of the operator's notices were read on this device, before a page's own code runs. Browser only. */

import { NOTICES_KEY } from "../session/model/notices_model.ts";

/**
 * Runs right after the notices that a page was drawn with, so that what was read does not flash by. It hides and does not
 * remove: the page's code expects all that was drawn.
 */
export const HIDE_READ_SCRIPT =
  `(()=>{let r=[];try{r=JSON.parse(localStorage.getItem("${NOTICES_KEY}")).acknowledged}catch{}` +
  `for(const n of document.querySelectorAll("[data-notice]"))n.hidden=r.includes(n.dataset.notice)})()`;
