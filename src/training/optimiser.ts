import * as tf from "@tensorflow/tfjs";

/** What is trained, and what the optimiser keeps of it. The tensors belong to whoever holds the state. */
export type OptimiserState = {
  /** updates so far */
  readonly step: number;
  readonly weights: Readonly<Record<string, tf.Tensor>>;
  /** running means of gradients and of their squares */
  readonly first: Readonly<Record<string, tf.Tensor>>;
  readonly second: Readonly<Record<string, tf.Tensor>>;
  /** exponential moving average of the weights: what is kept in the end */
  readonly average: Readonly<Record<string, tf.Tensor>>;
};

export type OptimiserSettings = {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** decay of the average once warm */
  readonly averageDecay: number;
};

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** @param weights  trainable tensors; they are copied */
export function startOptimiser(weights: Readonly<Record<string, tf.Tensor>>): OptimiserState {
  const each = (make: (weight: tf.Tensor) => tf.Tensor): Record<string, tf.Tensor> =>
    Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, make(weight)]));
  return {
    step: 0,
    weights: each((weight) => tf.clone(weight)),
    first: each((weight) => tf.zerosLike(weight)),
    second: each((weight) => tf.zerosLike(weight)),
    average: each((weight) => tf.clone(weight)),
  };
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019, alg. 2) and of the weights' moving average. The average's decay grows
 * with the step, (1 + t)/(10 + t), so that a short run isn't held to its beginning. Vectors (biases, norms) do not decay.
 *
 * @returns the new state; the old one is disposed
 */
export function adamw(
  state: OptimiserState,
  gradients: Readonly<Record<string, tf.Tensor>>,
  { learningRate, weightDecay, averageDecay }: OptimiserSettings,
): OptimiserState {
  const step = state.step + 1;
  const size = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  const decay = Math.min(averageDecay, (1 + step) / (10 + step));
  const next = tf.tidy(() => {
    const columns: Record<"weights" | "first" | "second" | "average", Record<string, tf.Tensor>> = {
      weights: {},
      first: {},
      second: {},
      average: {},
    };
    for (const [name, weight] of Object.entries(state.weights)) {
      const gradient = gradients[name];
      const [m, v, mean] = [state.first[name], state.second[name], state.average[name]];
      if (!gradient || !m || !v || !mean) throw new Error(`weight ${name} has no gradient`);
      const first = tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1));
      const second = tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const move = tf.mul(tf.div(first, tf.add(tf.sqrt(second), epsilon)), size);
      const shrunk = weightDecay > 0 && weight.rank > 1 ? tf.mul(weight, 1 - learningRate * weightDecay) : weight;
      const moved = tf.sub(shrunk, move);
      columns.weights[name] = moved;
      columns.first[name] = first;
      columns.second[name] = second;
      columns.average[name] = tf.add(tf.mul(mean, decay), tf.mul(moved, 1 - decay));
    }
    return columns;
  });
  disposeState(state);
  return { step, ...next };
}

/** Linear warm-up over the first twentieth, then half a cosine down to a twentieth of the peak. */
export function learningRateAt(step: number, steps: number, peak: number): number {
  const warm = Math.max(1, Math.round(steps / 20));
  if (step < warm) return (peak * (step + 1)) / warm;
  const progress = (step - warm) / Math.max(1, steps - warm);
  return peak * (0.05 + 0.95 * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** Another holder of the same numbers. Nothing is copied until one of them moves on. */
export function holdState(state: OptimiserState): OptimiserState {
  const each = (tensors: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor> =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]));
  return {
    step: state.step,
    weights: each(state.weights),
    first: each(state.first),
    second: each(state.second),
    average: each(state.average),
  };
}

export function disposeState({ weights, first, second, average }: OptimiserState): void {
  for (const tensors of [weights, first, second, average])
    for (const tensor of Object.values(tensors)) tensor.dispose();
}
