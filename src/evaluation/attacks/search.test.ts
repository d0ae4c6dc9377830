import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Perturbation } from "../../api/index.ts";
import { quantiseVector, seededRandom } from "../../monitor/index.ts";
import { imageSqueezers, squeezeImage } from "../../monitor/squeezers.ts";
import { apgd, checkpoints } from "./apgd.ts";
import { ascent, type Ball, ballOf, project, randomPoint } from "./ball.ts";
import { lossAndGradient, type Problem } from "./gradient.ts";
import { crossEntropy, displacement, impersonation, margin, type Scene } from "./objectives.ts";
import { fgsm, pgd } from "./pgd.ts";
import { square } from "./square.ts";
import { pyramids, squareL2 } from "./square-l2.ts";
import { squeezeTensor } from "./squeezers.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const linf: Ball = { norm: "Linf", epsilon: 0.5, scales: null, bounded: false };
const l2: Ball = { norm: "L2", epsilon: 0.5, scales: null, bounded: false };

describe("ballOf", () => {
  const family = { name: "f", kind: "Adversarial" } as const;
  const deviations = Float32Array.of(1, 2, 3);
  it.each<[Perturbation, Partial<Ball> | null]>([
    [
      { ...family, family: "Linf", epsilon: 0.1 },
      { norm: "Linf", epsilon: 0.1, scales: null },
    ],
    [
      { ...family, family: "L2", epsilon: 2 },
      { norm: "L2", epsilon: 2, scales: null },
    ],
    [
      { ...family, family: "VectorBox", epsilon: 0.5, immutable: [1, 9] },
      { norm: "Linf", epsilon: 0.5, scales: Float32Array.of(1, 0, 3) },
    ],
    [{ ...family, family: "Geometric", kind: "Benign", degrees: 9 }, null],
    [{ ...family, family: "VectorBox", kind: "Benign", epsilon: 1 }, null],
    [{ ...family, family: "Linf", epsilon: 0 }, null],
  ])("of %j", (perturbation, ball) => {
    expect(ballOf(perturbation, true, deviations)).toEqual(ball && { ...ball, bounded: true });
  });
});

describe("project and ascent", () => {
  const clean = (): tf.Tensor2D => tf.tensor2d([[0, 0.9]]);
  const far = (): tf.Tensor2D => tf.tensor2d([[3, 4.9]]);
  it.each<[string, Ball, number[]]>([
    ["clips each coordinate for Linf", linf, [0.5, 1.4]],
    ["keeps the direction for L2: (3, 4)/5 · .5", l2, [0.3, 1.3]],
    ["stays in [0, 1] when bounded", { ...linf, bounded: true }, [0.5, 1]],
    ["leaves immutable coordinates", { ...linf, scales: Float32Array.of(0, 2) }, [0, 1.9]],
  ])("%s", (_, ball, expected) => {
    [...project(far(), clean(), ball).dataSync()].forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? 9, 5));
  });

  it("goes along the sign for Linf and the unit gradient for L2", () => {
    const gradient = tf.tensor2d([[-3, 4]]);
    expect([...ascent(gradient, linf).dataSync()]).toEqual([-1, 1]);
    expect(ascent(gradient, l2).dataSync()[1]).toBeCloseTo(0.8, 6);
  });

  it("starts within the ball", () => {
    for (const ball of [linf, l2]) {
      const x = tf.zeros<tf.Rank.R2>([50, 7]);
      const points = randomPoint(x, ball, seededRandom(3));
      const sizes = ball.norm === "Linf" ? tf.max(tf.abs(points), 1) : tf.norm(points, 2, 1);
      expect(Math.max(...sizes.dataSync())).toBeLessThanOrEqual(0.5 + 1e-6);
      expect(Math.max(...sizes.dataSync())).toBeGreaterThan(0.3);
    }
  });
});

describe("searches on a linear loss w·x", () => {
  const w = [1, -2, 0.5, 0, 3, -0.25, 1, 1, 2];
  const linear = (ball: Ball): Problem => ({
    ball,
    clean: tf.tensor2d([w.map(() => 0.2), w.map((_, i) => i / 10)]),
    loss: (x) => tf.squeeze(tf.matMul(x, tf.tensor2d(w, [w.length, 1])), [1]),
  });
  const start = [0, 1].map((row) => w.reduce((sum, wi, i) => sum + wi * (row ? i / 10 : 0.2), 0));
  const l1 = w.reduce((sum, wi) => sum + Math.abs(wi), 0);
  const length = Math.hypot(...w);

  it.each([
    ["FGSM", (problem: Problem) => fgsm(problem)],
    ["PGD", (problem: Problem) => pgd(problem, 20, seededRandom(1), 2)],
    ["APGD", (problem: Problem) => apgd(problem, 20, seededRandom(1))],
  ])("%s reaches the maximum, ε‖w‖₁ or ε‖w‖₂ above the start", (_, search) => {
    for (const ball of [linf, l2]) {
      const { losses } = search(linear(ball));
      const reach = ball.norm === "Linf" ? 0.5 * l1 : 0.5 * length;
      start.forEach((from, i) => {
        expect(losses[i]).toBeGreaterThan(from + 0.98 * reach);
        expect(losses[i]).toBeLessThan(from + reach + 1e-4);
      });
    }
  });

  it("Square comes near without gradients", () => {
    const { losses } = square(linear(linf), [3, 3, 1], 300, seededRandom(1));
    start.forEach((from, i) => expect(losses[i]).toBeGreaterThan(from + 0.9 * 0.5 * l1));
  });

  it.each<[string, Ball, number[]]>([
    ["vectors", l2, [9]],
    ["a box whose coordinates are drawn, not taken in runs", linf, [9]],
  ])("Square comes near for %s", (_, ball, shape) => {
    const { inputs, losses } = square(linear(ball), shape, 400, seededRandom(1));
    const reach = 0.5 * (ball.norm === "Linf" ? l1 : length);
    start.forEach((from, i) => expect(losses[i]).toBeGreaterThan(from + 0.9 * reach));
    expect([...project(inputs, linear(ball).clean, ball).dataSync()].map((value) => value.toFixed(5))).toEqual(
      [...inputs.dataSync()].map((value) => value.toFixed(5)),
    );
  });

  it("Square comes near for images under an L2 budget, by windows that keep their patterns", () => {
    const weights = Array.from({ length: 144 }, (_, i) => Math.sin(i / 12 / 3) * Math.cos((i % 12) / 2));
    const problem: Problem = {
      clean: tf.zeros([1, 144]),
      ball: l2,
      loss: (x) => tf.squeeze(tf.matMul(x, tf.tensor2d(weights, [144, 1])), [1]),
    };
    const { losses } = square(problem, [12, 12, 1], 400, seededRandom(1));
    // A random point of the ball comes a twelfth of the way.
    expect(losses[0]).toBeGreaterThan(0.6 * 0.5 * Math.hypot(...weights));
    expect(losses[0]).toBeLessThanOrEqual(0.5 * Math.hypot(...weights) + 1e-4);
  });

  it("Square wastes no query on immutable coordinates", () => {
    const d = 1000;
    const scales = new Float32Array(d);
    scales[10] = 1;
    scales[900] = 2;
    const clean = tf.zeros<tf.Rank.R2>([1, d]);
    const problem: Problem = {
      clean,
      ball: { ...linf, scales },
      loss: (x) => tf.sub(tf.sum(x, 1), tf.mul(2, tf.sum(tf.slice(x, [0, 900], [1, 1]), 1))),
    };
    const { inputs, losses } = square(problem, [d], 12, seededRandom(1));
    // .5 · 1 upwards for the one, .5 · 2 downwards for the other.
    expect(losses[0]).toBeCloseTo(1.5, 5);
    expect([...inputs.dataSync()].filter((value) => value !== 0)).toEqual([0.5, -1]);
  });

  it("are the same for the same seed", () => {
    const once = apgd(linear(l2), 7, seededRandom(5)).inputs.dataSync();
    expect(apgd(linear(l2), 7, seededRandom(5)).inputs.dataSync()).toEqual(once);
  });
});

describe("pyramids", () => {
  it("are η of side 3: (1, 5, 1) above −(1, 1, 1), −(1, 5, 1), each of half the square of its length", () => {
    const [a, b] = [1 / Math.sqrt(54), 1 / Math.sqrt(60)];
    const lying = [a, 5 * a, a, -b, -b, -b, -b, -5 * b, -b];
    const standing = [a, -b, -b, 5 * a, -b, -5 * b, a, -b, -b];
    const drawn = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => [...pyramids(3, seededRandom(seed))]);
    const isAs = (expected: number[]) => (values: number[]) =>
      values.every((value, i) => Math.abs(value - (expected[i] ?? 9)) < 1e-9);
    expect(drawn.filter(isAs(lying)).length + drawn.filter(isAs(standing)).length).toBe(drawn.length);
    expect(drawn.some(isAs(lying)) && drawn.some(isAs(standing))).toBe(true);
  });
});

describe("squareL2", () => {
  it.each([[[28, 28, 1]], [[7, 12, 3]], [[2, 2, 1]], [[1]], [[40]]])(
    "spends the whole budget on inputs of shape %j",
    (shape) => {
      const d = shape.reduce((product, side) => product * side, 1);
      const { start, propose } = squareL2(shape);
      const original = Float32Array.from({ length: d }, (_, i) => i / d);
      const point = original.slice();
      const random = seededRandom(2);
      const spent = (): number => Math.hypot(...point.map((value, i) => value - (original[i] ?? 0)));
      start(point, original, l2, random);
      expect(spent()).toBeCloseTo(0.5, 5);
      for (const share of [0.8, 0.2, 0.05, 0.001]) {
        propose(point, original, share, l2, random);
        expect(spent()).toBeCloseTo(0.5, 5);
      }
    },
  );
});

describe("checkpoints", () => {
  it("are AutoAttack's for 100 steps", () => {
    expect(checkpoints(100)).toEqual([0, 22, 41, 57, 70, 80, 87, 93, 99]);
  });
});

describe("objectives", () => {
  const unit = (rows: number[][]): tf.Tensor2D =>
    tf.tensor2d(rows.map((row) => row.map((value) => value / Math.hypot(...row))));
  const scene = (): Scene => ({
    prototypes: unit([
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 1],
    ]),
    labels: tf.tensor1d([0, 2], "int32"),
    clean: unit([
      [1, 0, 0],
      [0, 1, 2],
    ]),
    targets: unit([
      [0, 1, 0],
      [1, 0, 0],
    ]),
  });
  const point = [
    [2, 1, 0],
    [1, 2, 2],
  ];

  it("have the values of their formulas", () => {
    const z = [20 / Math.sqrt(5), 10 / Math.sqrt(5), 10 / Math.sqrt(10)];
    const [own = 0] = z;
    const expected = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - own;
    expect(crossEntropy(scene())(unit(point)).dataSync()[0]).toBeCloseTo(expected, 4);
    expect(margin(scene())(unit(point)).dataSync()[0]).toBeCloseTo(10 / Math.sqrt(5) - own, 4);
    expect(displacement(scene())(unit(point)).dataSync()[0]).toBeCloseTo(1 - 2 / Math.sqrt(5), 5);
    expect(impersonation(scene())(unit(point)).dataSync()[0]).toBeCloseTo(1 / Math.sqrt(5), 5);
  });

  it.each([crossEntropy, margin, displacement, impersonation])("%o has the gradient of finite differences", (build) => {
    const loss = build(scene());
    const x = point.flat().map((value) => value / 3);
    const { gradient } = lossAndGradient(loss, tf.tensor2d(x, [2, 3]));
    const h = 1e-2;
    x.forEach((_, i) => {
      const at = (shift: number): number => {
        const moved = tf.tensor2d(
          x.map((value, j) => (j === i ? value + shift : value)),
          [2, 3],
        );
        return tf.sum(loss(moved)).dataSync()[0] ?? 0;
      };
      expect(gradient.dataSync()[i]).toBeCloseTo((at(h) - at(-h)) / (2 * h), 2);
    });
  });
});

describe("squeezeTensor", () => {
  const shape = [5, 4, 2];
  const random = seededRandom(4);
  const pixels = Uint8Array.from({ length: 40 }, () => random.integer(256));
  const scaled = (): tf.Tensor2D =>
    tf.tensor2d(
      Float32Array.from(pixels, (value) => value / 255),
      [1, 40],
    );

  it.each(imageSqueezers)("%s gives the gateway's values", (squeezer) => {
    const expected = squeezeImage({ height: 5, width: 4, channels: 2, pixels }, squeezer).pixels;
    const found = squeezeTensor(squeezer, shape)(scaled()).dataSync();
    expect(Array.from(found, (value) => Math.round(value * 255))).toEqual([...expected]);
  });

  it("Quantise gives the gateway's values", () => {
    const x = Float32Array.of(0.3, -1.2, 4, 0.01, 2.2);
    const found = squeezeTensor("Quantise", [5])(tf.tensor2d(x, [1, 5])).dataSync();
    quantiseVector(x).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
  });

  it.each([...imageSqueezers, "Quantise" as const])("%s lets a gradient through", (squeezer) => {
    const squeeze = squeezeTensor(squeezer, shape);
    const { gradient } = lossAndGradient((x) => tf.sum(squeeze(x), 1), scaled());
    // Each pixel's weights over the windows it is in add up to one, but for the edges that are repeated.
    expect(tf.sum(gradient).dataSync()[0]).toBeCloseTo(40, 3);
  });
});
