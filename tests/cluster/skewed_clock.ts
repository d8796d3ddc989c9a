/** Loaded before a server: its clock is wrong by CLOCK_SKEW_MS, as on a machine without NTP. */
const skewMs = Number(Deno.env.get("CLOCK_SKEW_MS") ?? 0);
const now = Date.now;
Date.now = () => now() + skewMs;
