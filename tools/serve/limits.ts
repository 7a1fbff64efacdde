/** @file Bounds of `tessera serve`: bytes, images, connections and times. */

/** What one server holds and waits for, at most. */
export const SERVE_LIMITS = {
  /** Images that wait for the model; more are refused. */
  waitingMax: 64,
  /** Of one request. */
  bodyBytesMax: 32 * 1024 ** 2,
  /** Of all images that are received, wait, or are computed. */
  heldBytesMax: 256 * 1024 ** 2,
  connectionsMax: 256,
  /** For the head of a request, and for a TLS handshake. */
  headMs: 10_000,
  /** For a whole request. */
  requestMs: 30_000,
  /** Without a byte either way. */
  silenceMs: 60_000,
  /** Between two requests of a connection. */
  idleMs: 5_000,
  /** For the replies that are under way when the server ends. */
  drainMs: 10_000,
};

export type ServeLimits = Readonly<typeof SERVE_LIMITS>;
