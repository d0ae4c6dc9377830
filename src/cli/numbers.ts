import { InvalidArgumentError } from "commander";

const largest = 10_000_000;

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > largest) {
    throw new InvalidArgumentError(`${text} is not a whole number from 1 to ${largest}.`);
  }
  return value;
}

export function portNumber(text: string): number {
  const port = Number(text);
  if (text === "" || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError(`${text} is not a whole number from 0 to 65535.`);
  }
  return port;
}

export function seedNumber(text: string): number {
  const seed = Number(text);
  if (text === "" || !Number.isInteger(seed) || seed < 0 || seed > 2_147_483_647) {
    throw new InvalidArgumentError(`${text} is not a whole number from 0 to 2147483647.`);
  }
  return seed;
}
