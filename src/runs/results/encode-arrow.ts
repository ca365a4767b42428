// Rows as an Arrow IPC stream: one record batch for each piece, so that memory stays that of one piece.
import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, type DuckDBValue } from '@duckdb/node-api';
import {
  AsyncByteQueue,
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { Column, RowStream } from '../../adapters/duckdb/parquet-database.ts';
import { toJsonValue } from './json-value.ts';

/** How a column goes into Arrow. */
interface ArrowColumn {
  readonly type: DataType;
  /** Of the same layout, where the type's own builder would lose digits. */
  readonly builtAs?: DataType;
  /** What the type's builder takes. */
  readonly convert: (value: NonNullable<DuckDBValue>) => unknown;
}

const asIs = (value: NonNullable<DuckDBValue>): unknown => value;
const numbers: Readonly<Record<string, () => DataType>> = {
  BOOLEAN: () => new Bool(),
  TINYINT: () => new Int8(),
  SMALLINT: () => new Int16(),
  INTEGER: () => new Int32(),
  BIGINT: () => new Int64(),
  UTINYINT: () => new Uint8(),
  USMALLINT: () => new Uint16(),
  UINTEGER: () => new Uint32(),
  UBIGINT: () => new Uint64(),
  FLOAT: () => new Float32(),
  DOUBLE: () => new Float64(),
};

/** Chunks of bytes. Types without a counterpart here (nested ones, times of day, huge integers) are text, as in JSON. */
export async function* encodeArrow(columns: readonly Column[], rows: RowStream): AsyncGenerator<Uint8Array> {
  const shapes = columns.map(({ type }) => toArrow(type));
  const fields = columns.map(({ name }, index) => new Field(name, shapes[index]?.type ?? new Utf8(), true));
  const schema = new Schema(fields);
  const sink = new ByteCollector();
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  writer.reset(sink, schema);
  yield* sink.take();
  for await (const piece of rows.pieces) {
    const children = shapes.map((shape, index) => toChild(shape, piece, index));
    const type = new Struct(fields);
    writer.write(new RecordBatch(schema, makeData({ type, length: piece.length, nullCount: 0, children })));
    yield* sink.take();
  }
  writer.finish();
  yield* sink.take();
}

/** Keeps what is written until it is taken: the writer's own queue would grow ahead of a slow reader. */
class ByteCollector extends AsyncByteQueue {
  #taken: Uint8Array[] = [];

  override write(value: ArrayBufferView | ArrayBufferLike | string): void {
    if (typeof value === 'string') this.#taken.push(Buffer.from(value));
    else if (ArrayBuffer.isView(value))
      this.#taken.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else this.#taken.push(new Uint8Array(value));
  }

  /** Copied: the writer may use its memory again. */
  *take(): Generator<Uint8Array> {
    const taken = this.#taken;
    this.#taken = [];
    if (taken.length > 0) yield Buffer.concat(taken);
  }
}

function toChild(shape: ArrowColumn, piece: readonly (readonly DuckDBValue[])[], index: number): Data {
  const values = piece.map((row) => {
    const value = row[index] ?? null;
    return value === null ? null : shape.convert(value);
  });
  const [data] = vectorFromArray(values, shape.builtAs ?? shape.type).data;
  return data?.clone(shape.type) ?? makeData({ type: shape.type, length: 0 });
}

function toArrow(type: string): ArrowColumn {
  const number = numbers[type];
  if (number !== undefined) return { type: number(), convert: asIs };
  if (type === 'VARCHAR') return { type: new Utf8(), convert: asIs };
  if (type === 'BLOB') {
    return { type: new Binary(), convert: (value) => (value instanceof DuckDBBlobValue ? value.bytes : null) };
  }
  if (type === 'DATE') {
    const convert = (value: DuckDBValue) =>
      value instanceof DuckDBDateValue ? new Date(value.days * 86_400_000) : null;
    return { type: new DateDay(), convert };
  }
  if (type === 'TIMESTAMP' || type === 'TIMESTAMP WITH TIME ZONE') return timestamp(type);
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (decimal !== null) return decimalOf(Number(decimal[1]), Number(decimal[2]));
  return { type: new Utf8(), convert: toText };
}

function timestamp(type: string): ArrowColumn {
  const zone = type === 'TIMESTAMP' ? null : 'UTC';
  const convert = (value: DuckDBValue) =>
    typeof value === 'object' && value !== null && 'micros' in value ? (value.micros as bigint) : null;
  return { type: new TimestampMicrosecond(zone), builtAs: new Int64(), convert };
}

function decimalOf(precision: number, scale: number): ArrowColumn {
  const convert = (value: DuckDBValue) => (value instanceof DuckDBDecimalValue ? toWords(value.value) : null);
  return { type: new Decimal(scale, precision, 128), convert };
}

/** 128 bits in two's complement, the lowest word first. */
function toWords(value: bigint): Uint32Array {
  const bits = BigInt.asUintN(128, value);
  return Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((bits >> shift) & 0xffff_ffffn));
}

function toText(value: DuckDBValue): string {
  const json = toJsonValue(value);
  return typeof json === 'string' ? json : JSON.stringify(json);
}
