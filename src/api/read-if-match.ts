/** The revision of an `If-Match` header that its schema has checked: `"7"`, or null for `*` and for none. */
export function readIfMatch(value: string | undefined): number | null {
  const revision = /\d+/.exec(value ?? '')?.[0];
  return revision === undefined ? null : Number(revision);
}
