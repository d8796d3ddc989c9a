/**
 * Does `work`, whose signal aborts when it takes longer than `ms`. `AbortSignal.timeout` came with Safari 16; and the
 * timer ends with the work.
 */
export async function within<Result>(ms: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const overdue = new AbortController();
  const timer = setTimeout(() => overdue.abort(), ms);
  try {
    return await work(overdue.signal);
  } finally {
    clearTimeout(timer);
  }
}
