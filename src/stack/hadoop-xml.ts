// Hadoop's configuration format: one property per setting, nothing else.

/** Settings by key, values as Hadoop reads them (numbers without units are milliseconds or bytes as its docs say). */
export type HadoopSettings = Readonly<Record<string, string | number | boolean>>;

/** Renders settings, in the order given, as a Hadoop configuration file. */
export function renderHadoopXml(settings: HadoopSettings): string {
  const properties = Object.entries(settings).map(
    ([key, value]) =>
      `  <property><name>${escapeXml(key)}</name><value>${escapeXml(String(value))}</value></property>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n${properties.join('')}</configuration>\n`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
