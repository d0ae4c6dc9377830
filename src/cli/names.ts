import { InvalidArgumentError } from "commander";

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const labels = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const ends = "and begins and ends with a letter or digit";

/** The name of an object. A variable of a script that is empty ends here: a path without a name means the whole list. */
export function objectName(text: string): string {
  if (text.length <= 253 && labels.test(text)) return text;
  throw new InvalidArgumentError(`A name has lower-case letters, digits, '-' and '.', ${ends}.`);
}

/** The name of a namespace. */
export function namespaceName(text: string): string {
  if (isNamespaceName(text)) return text;
  throw new InvalidArgumentError(`A namespace has lower-case letters, digits and '-', ${ends}.`);
}

export function isNamespaceName(text: string): boolean {
  return text.length <= 63 && label.test(text);
}
