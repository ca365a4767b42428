// The join order as parameters of AWS Systems Manager: what the conductor's side writes and a follower puts together.
import { createHash } from 'node:crypto';

/** Of a standard parameter, in characters. */
const largestValue = 4096;
/** One answer of GetParametersByPath holds ten; `count` is one of them. */
const mostParts = 9;

/**
 * Cuts the text of `renderJoinScript` into values, keyed by the last segment of their names: `count`, `1`, `2`, … Base64,
 * because Systems Manager refuses values with `{{`, which is how Docker's formats begin. `count` also holds the SHA-256
 * of all parts, so that a reader never runs a mixture of an old order and a new one: write it last.
 */
export function cutJoinOrder(script: string): Readonly<Record<string, string>> {
  const text = Buffer.from(script).toString('base64');
  const parts = text.match(new RegExp(`.{1,${largestValue}}`, 'g')) ?? [];
  if (parts.length === 0 || parts.length > mostParts) {
    throw new Error(`a join order of ${script.length} characters does not fit into ${mostParts} parameters`);
  }
  const digest = createHash('sha256').update(text).digest('hex');
  const numbered = parts.map((part, index) => [String(index + 1), part] as const);
  return { ...Object.fromEntries(numbered), count: `${parts.length} ${digest}` };
}
