/** What the gateway's event loop says to the supervisor every second, and how the supervisor knows it. */

const BEAT_MS = 1000;

/** From now until the process ends, while it is drained as well. */
export function startHeartbeat(): void {
  let isUnderWay = false;
  const beat = (): void => {
    // A supervisor that does not read is not sent ever more.
    if (isUnderWay || !process.connected) return;
    isUnderWay = true;
    process.send?.({ alive: true }, undefined, undefined, () => {
      isUnderWay = false;
    });
  };
  beat();
  setInterval(beat, BEAT_MS).unref();
}

export function isHeartbeat(message: unknown): boolean {
  return (message as { alive?: unknown } | null | undefined)?.alive === true;
}
