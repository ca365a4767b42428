import { InvalidArgumentError } from 'commander';

/** A flag's value that is a whole number from 0. */
export function parseWholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It is a whole number from 0.');
  return Number(value);
}
