const suffixes: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that a Kubernetes quantity such as `250m` or `2Gi` stands for. */
export function quantity(text: string): number {
  const [, digits = "", suffix = ""] = /^([0-9.eE+-]+)([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = suffixes[suffix];
  if (!digits || factor === undefined) throw new Error(`${text} is no quantity`);
  return Number(digits) * factor;
}
