/** The microphone, and why there may be none. */

import { CallError } from "./call_error.js";

/** A stream of it, or of another device. Throws CallError. */
export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices) {
    throw new CallError(
      "This page may not use the microphone.",
      "Browsers allow it only over https:// or from localhost.",
    );
  }
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...device };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw microphoneError(error);
  }
}

export function stopTracks(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function microphoneError(error) {
  switch (error.name) {
    case "NotAllowedError":
      return new CallError(
        "The microphone was refused.",
        "Allow it for this page in the browser's address bar, then start again.",
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return new CallError("No microphone was found.", "Plug one in or choose another, then start again.");
    case "NotReadableError":
      return new CallError("The microphone cannot be opened.", "Another program may be using it.");
    default:
      return new CallError("The microphone cannot be opened.", String(error));
  }
}
