/**
 * Blocks are stretches of wall-clock time of one length, numbered from the Unix epoch, so that all pods count alike.
 */
export function blockAt(time: number, length: number): number {
  return Math.floor(time / length);
}

/** @returns when a block ends, in ms of Unix time */
export function blockEnd(block: number, length: number): number {
  return (block + 1) * length;
}
