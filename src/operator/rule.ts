/** A named rule of a list: what it says of the world now, or null when it has nothing to say. */
export type Rule<World, Answer> = (world: World, now: number) => Answer | null;

/** What the first rule that has something to say says. */
export function first<World, Answer>(rules: readonly Rule<World, Answer>[], world: World, now: number): Answer | null {
  for (const rule of rules) {
    const answer = rule(world, now);
    if (answer !== null) return answer;
  }
  return null;
}

/** Something that only the user can put right: it is said in the status. */
export type Stalled = { readonly reason: string; readonly message: string };

/** An object that is there and cannot be read, as by an operator that is older than the CRDs, is held still for. */
export function unreadable(error: Error | null): Stalled | null {
  return error && { reason: "Unreadable", message: error.message };
}
