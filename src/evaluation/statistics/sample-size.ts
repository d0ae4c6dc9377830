import { normalQuantile } from "./normal.ts";

/**
 * Sources that a one-sided paired test needs to tell a difference of `margin` from none.
 *
 *   n = (z₁₋α + z_power)² · σ² / margin²         (Connor 1987; for paired shares σ² = ψ, the discordance)
 *
 * but at least ln α / ln(1 − margin): that many sources without one loss are needed to rule out that the margin's share
 * is lost (the rule of three).
 *
 * @param variance  σ² of a source's difference
 * @param margin    in (0, 1]
 * @param alpha     in (0, 1)
 */
export function sampleSize(variance: number, margin: number, alpha: number, power = 0.8): number {
  if (!(margin > 0)) return Number.MAX_SAFE_INTEGER;
  const z = normalQuantile(1 - alpha) + normalQuantile(power);
  const without = margin < 1 ? Math.log(alpha) / Math.log1p(-margin) : 1;
  return Math.ceil(Math.max((z * z * variance) / (margin * margin), without) - 1e-9);
}
