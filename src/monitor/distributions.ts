/** log Γ(x) for x > 0 (Lanczos 1964, g = 7, n = 9): 15 digits. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const shifted = x - 1;
  const series = coefficients.reduce((sum, c, i) => sum + c / (shifted + i + 1), 0.9999999999998099);
  const t = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series);
}

/** Upper tail of χ² with `degrees` degrees of freedom: Q(degrees/2, x/2). */
export function chiSquaredTail(x: number, degrees: number): number {
  return x <= 0 ? 1 : upperGamma(degrees / 2, x / 2);
}

/**
 * Upper tail of the noncentral χ²: a Poisson(δ/2) mixture of central ones (Johnson, Kotz and Balakrishnan 1995, eq. 29.2),
 * summed outwards from its largest weight.
 */
export function noncentralChiSquaredTail(x: number, degrees: number, noncentrality: number): number {
  if (noncentrality === 0) return chiSquaredTail(x, degrees);
  const half = noncentrality / 2;
  const term = (i: number): number => Math.exp(-half + i * Math.log(half) - logGamma(i + 1));
  const middle = Math.floor(half);
  let sum = 0;
  for (let i = middle; i >= 0; i--) {
    const weight = term(i);
    sum += weight * chiSquaredTail(x, degrees + 2 * i);
    if (weight < 1e-15) break;
  }
  for (let i = middle + 1; ; i++) {
    const weight = term(i);
    sum += weight * chiSquaredTail(x, degrees + 2 * i);
    if (weight < 1e-15) break;
  }
  return Math.min(1, sum);
}

/** Regularised upper incomplete gamma function Q(a, x) (Press et al. 2007, section 6.2). */
function upperGamma(a: number, x: number): number {
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 10_000 && term > sum * 1e-16; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  // Lentz's method on the continued fraction.
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 10_000; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** Regularised incomplete beta function I_x(a, b) (Press et al. 2007, section 6.4). */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularisedBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front * fraction;
}

/**
 * Exact confidence bounds of a share (Clopper and Pearson 1934): each holds with probability at least `confidence`.
 *
 * @param successes  k, 0 ≤ k ≤ n
 */
export function shareBounds(successes: number, n: number, confidence: number): { lower: number; upper: number } {
  const alpha = 1 - confidence;
  return {
    lower: successes === 0 ? 0 : betaQuantile(alpha, successes, n - successes + 1),
    upper: successes === n ? 1 : betaQuantile(1 - alpha, successes + 1, n - successes),
  };
}

/** Bisection: 50 halvings are the whole precision of a share. */
function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (regularisedBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
