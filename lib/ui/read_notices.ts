/** Hides the operator's notices that this device has acknowledged, before the page's own code runs. Browser only. */

import { NOTICES_KEY } from "../session/model/notices_model.ts";

/**
 * Runs right after the rendered notices, so that acknowledged ones do not flash. It hides them and does not remove them,
 * because the page's code hydrates every rendered element.
 */
export const HIDE_READ_SCRIPT =
  `(()=>{let r=[];try{r=JSON.parse(localStorage.getItem("${NOTICES_KEY}")).acknowledged}catch{}` +
  `for(const n of document.querySelectorAll("[data-notice]"))n.hidden=r.includes(n.dataset.notice)})()`;
