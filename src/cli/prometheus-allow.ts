import { InvalidArgumentError } from "commander";

/** Collects begins of URLs of Prometheus, as values of an option that is given many times. */
export function prometheusBegins(value: string, before: readonly string[]): string[] {
  if (!URL.canParse(value) || !/^https?:\/\/[^\s?#@]+$/.test(value)) {
    throw new InvalidArgumentError(`${value} is no begin of an http or https URL such as http://prometheus:9090.`);
  }
  return [...before, value];
}
