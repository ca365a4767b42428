// Text from an address against a typed column: which types can be compared, and by which SQL.

/** `value` is a placeholder such as `$1`; null: this text cannot be a value of the column. */
export interface TypedText {
  readonly sql: (placeholder: string) => string;
  readonly fits: (text: string) => boolean;
}

const integer = /^[+-]?\d{1,40}$/;
const anyText = (): boolean => true;

/** How a text becomes a value of `type`; null for nested types, which are not compared. */
export function typedText(type: string): TypedText | null {
  if (type === 'VARCHAR' || type.startsWith('ENUM(')) return { sql: (value) => `${value}::VARCHAR`, fits: anyText };
  if (type === 'BLOB') {
    const base64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
    return { sql: (value) => `from_base64(${value}::VARCHAR)`, fits: (text) => base64.test(text) };
  }
  const tryCast = (value: string): string => `TRY_CAST(${value}::VARCHAR AS ${type})`;
  // A cast would round 1.7 to the integer 2.
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return { sql: tryCast, fits: (text) => integer.test(text) };
  if (/^DECIMAL\(\d+,\d+\)$/.test(type)) return { sql: tryCast, fits: (text) => decimalFits(type, text) };
  if (type === 'TIMESTAMP WITH TIME ZONE') return { sql: tryCast, fits: (text) => /(Z|[+-]\d\d(:?\d\d)?)$/.test(text) };
  if (/^(BOOLEAN|FLOAT|DOUBLE|DATE|TIME|UUID|TIMESTAMP(_S|_MS|_NS)?)$/.test(type)) {
    return { sql: tryCast, fits: anyText };
  }
  return null;
}

/** True for columns that a key look-up or a filter can name. */
export function isLookupType(type: string): boolean {
  return typedText(type) !== null;
}

/** More digits than the column has would be rounded away by a cast. */
function decimalFits(type: string, text: string): boolean {
  const scale = Number(type.slice(type.indexOf(',') + 1, -1));
  const match = /^[+-]?\d+(?:\.(\d*?)0*)?$/.exec(text);
  return match !== null && (match[1] ?? '').length <= scale;
}
