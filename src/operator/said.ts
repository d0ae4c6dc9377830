/** A decision that goes into the audit chain; the shell adds its time and its canonical form. */
export type Said = {
  readonly kind: string;
  /** Kind and name of the object it is about. */
  readonly subject: string;
  readonly facts: Readonly<Record<string, unknown>>;
};
