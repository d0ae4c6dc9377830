import { type Alarm, raise, release } from "./alarm.ts";
import { shareBounds } from "./distributions.ts";

/** Consistency scores of one block, over the fleet. */
export type FlagCounts = { readonly block: number; readonly scored: number; readonly flagged: number };

/** The last blocks, in the order of time, and the block at which the alarm last had its reason. */
export type ShareWindow = { readonly blocks: readonly FlagCounts[]; readonly lastOver: number };

export type ShareSettings = {
  /** Share of flagged inputs above which it is an attack. */
  readonly minShare: number;
  /** Blocks that the share is taken over. */
  readonly window: number;
  /** Scored inputs that the window needs. */
  readonly minScored: number;
  /** Confidence of each bound, such as 0.99. */
  readonly confidence: number;
};

export type ShareStep = {
  readonly window: ShareWindow;
  readonly alarm: Alarm;
  readonly scored: number;
  readonly flagged: number;
  /** Bounds of the share, null when there are too few scores for an alarm, were all of them flagged: NoData. */
  readonly bounds: { readonly lower: number; readonly upper: number } | null;
};

export const emptyWindow: ShareWindow = { blocks: [], lastOver: -1 };

/**
 * AdversarialAnomaly: the share of inputs that the consistency probe flags, over the last blocks.
 *
 * Raised when the lower bound (Clopper and Pearson) is over minShare. Released when a whole window has passed since then
 * and the upper bound over it is under minShare: too few scores release nothing.
 *
 * A block that is not newer than the last one changes nothing.
 */
export function stepShare(window: ShareWindow, alarm: Alarm, counts: FlagCounts, settings: ShareSettings): ShareStep {
  const last = window.blocks.at(-1)?.block ?? -1;
  const kept = counts.block > last ? [...window.blocks, counts] : window.blocks;
  const newest = Math.max(last, counts.block);
  const blocks = kept.filter(({ block }) => block > newest - settings.window);
  const scored = blocks.reduce((sum, block) => sum + block.scored, 0);
  const flagged = blocks.reduce((sum, block) => sum + block.flagged, 0);
  const enough = scored >= Math.max(1, settings.minScored) && canRaise(scored, settings);
  const bounds = enough ? shareBounds(flagged, scored, settings.confidence) : null;
  const over = bounds !== null && bounds.lower > settings.minShare;
  const lastOver = over ? newest : window.lastOver;
  const quiet = bounds !== null && bounds.upper < settings.minShare && newest - lastOver >= settings.window;
  const next = over ? raise(alarm) : quiet ? release(alarm) : alarm;
  return { window: { blocks, lastOver }, alarm: next, scored, flagged, bounds };
}

/** A high minShare or a strict confidence takes more scores than minScored: silence over fewer would be blind. */
function canRaise(scored: number, { confidence, minShare }: ShareSettings): boolean {
  return shareBounds(scored, scored, confidence).lower > minShare;
}
