import { InvalidArgumentError } from 'commander';

/** A flag's value that is a whole number from 0. */
export function parseWholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It is a whole number from 0.');
  return Number(value);
}

/** A flag's value that is a port. */
export function parsePort(value: string): number {
  const port = parseWholeNumber(value);
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('It is a port from 1 to 65535.');
  return port;
}
