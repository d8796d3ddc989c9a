// Runs in browser and server.
/** Texts around the operator's notices. Pages load them with the first notice. */

export const noticeTexts = {
  title: "From the organisers",
  emergency: "Emergency",
  from: (at: string, until: string) => `From the organisers, ${at}. Valid until ${until}.`,
  acknowledge: "I have read this",
  dismiss: "Dismiss",
};
