// Bars: lying for categories, upright for counts and durations. Plain elements, so that names and values can be read.
import { Link } from 'wouter';

interface BarListProps {
  readonly label: string;
  readonly bars: readonly { readonly label: string; readonly value: number; readonly note?: string }[];
  readonly format: (value: number) => string;
}

/** One line a category: name, bar, value. Values below zero are drawn by their size and told by their sign. */
export function BarList({ label, bars, format }: BarListProps) {
  const largest = bars.reduce((most, { value }) => Math.max(most, Math.abs(value)), 0) || 1;
  return (
    <ul className="bar-list" aria-label={label}>
      {bars.map((bar) => (
        <li key={bar.label}>
          <span className="bar-label" title={bar.label}>
            {bar.label}
          </span>
          <span className="bar-track" aria-hidden>
            <span
              data-negative={bar.value < 0 ? true : undefined}
              style={{ width: `${(Math.abs(bar.value) / largest) * 100}%` }}
            />
          </span>
          <span className="number bar-value">{format(bar.value)}</span>
        </li>
      ))}
    </ul>
  );
}

export interface Column {
  readonly key: string;
  /** Said and shown on its own: `1 min 2 s, succeeded`. */
  readonly label: string;
  readonly value: number;
  readonly tone?: 'good' | 'bad' | 'none' | 'busy';
  readonly href?: string;
}

interface ColumnChartProps {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly format: (value: number) => string;
}

/** Upright columns from left to right. */
export function ColumnChart({ label, columns, format }: ColumnChartProps) {
  const largest = columns.reduce((most, { value }) => Math.max(most, value), 0) || 1;
  return (
    <div className="column-chart">
      <span className="muted small number" aria-hidden>
        {format(largest)}
      </span>
      <ul aria-label={label}>
        {columns.map((column) => {
          const fill = (
            <span className="column-fill" style={{ height: `max(3px, ${(column.value / largest) * 100}%)` }} />
          );
          return (
            <li key={column.key} data-tone={column.tone ?? 'busy'} title={column.label}>
              {column.href === undefined ? (
                <>
                  {fill}
                  <span className="visually-hidden">{column.label}</span>
                </>
              ) : (
                <Link href={column.href} aria-label={column.label}>
                  {fill}
                </Link>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
