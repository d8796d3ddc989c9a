/** Opens the back camera. */

export type CameraProblem = "denied" | "none" | "busy" | "insecure";

/** A running camera. `torch` is present if the phone's light can be switched. */
export interface Camera {
  stream: MediaStream;
  torch?: (on: boolean) => Promise<void>;
  stop(): void;
}

/** The Image Capture draft's additions to a track's capabilities and constraints. */
interface TorchCapabilities extends MediaTrackCapabilities {
  torch?: boolean;
}
interface TorchConstraints extends MediaTrackConstraintSet {
  torch: boolean;
}

const PROBLEMS: Record<string, CameraProblem> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Opens the back camera; the browser may ask the person for permission. */
export async function openCamera(): Promise<Camera | { problem: CameraProblem }> {
  if (!isSecureContext || navigator.mediaDevices === undefined) return { problem: "insecure" };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "environment", width: { ideal: 1_280 }, height: { ideal: 720 } },
    });
    const track = stream.getVideoTracks()[0];
    const capabilities: TorchCapabilities | undefined = track?.getCapabilities?.();
    const stop = () => stream.getTracks().forEach((each) => each.stop());
    if (track === undefined || capabilities?.torch !== true) return { stream, stop };
    const torch = (on: boolean) => {
      const wanted: TorchConstraints = { torch: on };
      return track.applyConstraints({ advanced: [wanted] });
    };
    return { stream, torch, stop };
  } catch (error) {
    if (error instanceof DOMException) return { problem: PROBLEMS[error.name] ?? "none" };
    throw error;
  }
}
