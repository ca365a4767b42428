/** For sh: nothing inside is expanded. */
export function quoteForSh(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
