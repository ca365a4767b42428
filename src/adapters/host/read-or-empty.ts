import { readFile } from 'node:fs/promises';

/** Text of a file that need not be there. */
export async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
