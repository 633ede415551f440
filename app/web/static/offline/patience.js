/** When something is sent again that did not arrive: later each time, and at last not by itself any more. */
const FIRST = 20_000;
const LONGEST = 600_000;
const TRIES = 5;

/** Milliseconds to wait after so many failures in a row. */
export function pause(failures, first = FIRST) {
  return Math.min(first * 2 ** Math.max(0, failures - 1), LONGEST);
}

/** Did the server fall over it so often that it will do so again? A server that is away or full says 502 to 507. */
export const gaveUp = (crashes) => crashes >= TRIES;

export const CRASHED = 500;
