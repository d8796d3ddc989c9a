// Runs in browser and server.
/** The words around the operator's notices; a page loads them with the first one. */

export const noticeTexts = {
  title: "From the organisers",
  emergency: "Emergency",
  from: (at: string, until: string) => `From the organisers, ${at}. Valid until ${until}.`,
  acknowledge: "I have read this",
  dismiss: "Put it away",
};
