import type { ConnectionDiagnostics } from "../model/connection_model.ts";

/** The network as the device reports it (Network Information API, where it exists). */
export function networkState(): ConnectionDiagnostics["network"] {
  const { connection } = navigator as { connection?: { effectiveType?: string; type?: string; saveData?: boolean } };
  const type = connection?.type ?? connection?.effectiveType;
  return {
    online: navigator.onLine,
    ...(type !== undefined && { type }),
    ...(connection?.saveData !== undefined && { saveData: connection.saveData }),
  };
}
