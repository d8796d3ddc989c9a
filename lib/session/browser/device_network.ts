import type { ConnectionDiagnostics } from "../model/connection_model.ts";

/** What the device says of its network (Network Information API, where there is one). */
export function networkState(): ConnectionDiagnostics["network"] {
  const { connection } = navigator as { connection?: { effectiveType?: string; type?: string; saveData?: boolean } };
  const type = connection?.type ?? connection?.effectiveType;
  return {
    online: navigator.onLine,
    ...(type !== undefined && { type }),
    ...(connection?.saveData !== undefined && { saveData: connection.saveData }),
  };
}
