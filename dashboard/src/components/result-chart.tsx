// A chart of a result: one that suits its columns, until the reader chooses another.
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api } from '../api.ts';
import type { ResultInfo } from '../api-types.ts';
import {
  type ChartChoice,
  type ChartKind,
  chooseChart,
  columnsForX,
  columnsOf,
  kindsFor,
  type Measure,
  measures,
  toBars,
  toHistogram,
  toPoints,
  withKind,
} from '../choose-chart.ts';
import { formatCount, formatPlural } from '../format.ts';
import { type ResultQuery, writeResultQuery } from '../result-query.ts';
import { BarList, ColumnChart } from './bar-chart.tsx';
import { ChoiceField } from './fields.tsx';
import { Card, Empty, Loading } from './page.tsx';
import { ProblemView } from './problem-view.tsx';
import { TimeChart } from './time-chart.tsx';

/** Rows that a chart is drawn from. */
const chartRows = 5_000;
const barsAtMost = 25;

const kindTexts: Readonly<Record<ChartKind, string>> = {
  line: 'line',
  bar: 'bars by category',
  scatter: 'points',
  histogram: 'spread',
};

interface ResultChartProps {
  readonly info: ResultInfo;
  readonly query: ResultQuery;
}

export function ResultChart({ info, query }: ResultChartProps) {
  const { columns } = info;
  const [choice, setChoice] = useState(() => chooseChart(columns, info.key));
  const search = writeResultQuery({ ...query, sort: null, offset: 0 }, { limit: chartRows });
  const page = useQuery({
    queryKey: ['result-chart', info.name, info.version, search],
    queryFn: ({ signal }) => api.resultPage(info.name, search, signal),
    placeholderData: (before) => before,
    enabled: choice !== null,
  });
  if (choice === null) return null;
  return (
    <Card
      title="Chart"
      actions={
        page.data !== undefined && page.data.total > page.data.rows.length ? (
          <span className="muted small">
            the first {formatCount(page.data.rows.length)} rows of {formatCount(page.data.total)}
          </span>
        ) : undefined
      }
    >
      <div className="stack">
        <ChartControls info={info} choice={choice} onChange={setChoice} />
        {page.error !== null ? (
          <ProblemView error={page.error} />
        ) : page.data === undefined ? (
          <Loading what="the chart" />
        ) : (
          <Drawing rows={page.data.rows} choice={choice} columns={columns} />
        )}
      </div>
    </Card>
  );
}

interface ChartControlsProps {
  readonly info: ResultInfo;
  readonly choice: ChartChoice;
  readonly onChange: (choice: ChartChoice) => void;
}

function ChartControls({ info: { columns }, choice, onChange }: ChartControlsProps) {
  const numbers = columnsOf(columns, 'number');
  const toOptions = <T extends string>(names: readonly T[]) => names.map((value) => ({ value, text: value }));
  return (
    <div className="field-row">
      <ChoiceField
        label="Kind of chart"
        value={choice.kind}
        options={kindsFor(columns, choice).map((value) => ({ value, text: kindTexts[value] }))}
        onChange={(kind) => {
          const next = withKind(choice, kind, columns);
          if (next !== null) onChange(next);
        }}
      />
      <ChoiceField
        label={choice.kind === 'bar' ? 'Category' : choice.kind === 'histogram' ? 'Column' : 'Across'}
        value={choice.x}
        options={toOptions(columnsForX(columns, choice.kind))}
        onChange={(x) => onChange({ ...choice, x })}
      />
      {choice.kind === 'histogram' || numbers.length === 0 ? null : (
        <ChoiceField
          label={choice.kind === 'bar' ? 'Measured' : 'Up'}
          value={choice.y ?? ''}
          options={[...(choice.kind === 'bar' ? [{ value: '', text: 'number of rows' }] : []), ...toOptions(numbers)]}
          onChange={(y) => onChange({ ...choice, y: y === '' ? null : y })}
        />
      )}
      {choice.y === null || (choice.kind !== 'bar' && choice.kind !== 'line') ? null : (
        <ChoiceField<Measure>
          label="As"
          value={choice.measure}
          options={toOptions(measures)}
          onChange={(measure) => onChange({ ...choice, measure })}
        />
      )}
    </div>
  );
}

interface DrawingProps {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly choice: ChartChoice;
  readonly columns: ResultInfo['columns'];
}

function Drawing({ rows, choice, columns }: DrawingProps) {
  if (choice.kind === 'bar') return <Bars rows={rows} choice={choice} />;
  if (choice.kind === 'histogram') {
    const bins = toHistogram(rows, choice.x);
    if (bins.length === 0) return <NothingToDraw />;
    const ends = [bins[0]?.label.split(' – ')[0], bins.at(-1)?.label.split(' – ').at(-1)];
    return (
      <div>
        <ColumnChart
          label={`How ${choice.x} is spread`}
          format={formatCount}
          columns={bins.map(({ label, value }) => ({
            key: label,
            value,
            label: `${label}: ${formatPlural(value, 'row')}`,
          }))}
        />
        <div className="chart-ends small muted number" aria-hidden>
          <span>{ends[0]}</span>
          <span>{ends[1]}</span>
        </div>
      </div>
    );
  }
  return <Plot rows={rows} choice={choice} isTime={columnsOf(columns, 'time').includes(choice.x)} />;
}

function Bars({ rows, choice }: Pick<DrawingProps, 'rows' | 'choice'>) {
  const bars = useMemo(() => toBars(rows, choice), [rows, choice]);
  if (bars.length === 0) return <NothingToDraw />;
  const what = choice.y === null ? 'Number of rows' : `${choice.measure} of ${choice.y}`;
  return (
    <div className="stack">
      <BarList label={`${what} by ${choice.x}`} bars={bars.slice(0, barsAtMost)} format={formatValue} />
      {bars.length <= barsAtMost ? null : (
        <p className="muted small">
          The {barsAtMost} largest of {formatCount(bars.length)} categories.
        </p>
      )}
    </div>
  );
}

function Plot({ rows, choice, isTime }: Pick<DrawingProps, 'rows' | 'choice'> & { readonly isTime: boolean }) {
  const { x, series } = useMemo(() => {
    const points = toPoints(rows, choice);
    return {
      x: points.map((point) => (isTime ? point.x / 1000 : point.x)),
      series: [{ name: choice.y ?? '', color: '--compute', values: points.map((point) => point.y) }],
    };
  }, [rows, choice, isTime]);
  if (x.length === 0) return <NothingToDraw />;
  return (
    <TimeChart
      label={`${choice.y} by ${choice.x}, ${formatPlural(x.length, 'point')}`}
      x={x}
      series={series}
      isTime={isTime}
      points={choice.kind === 'scatter' || x.length === 1}
      height={280}
      formatY={formatValue}
    />
  );
}

function NothingToDraw() {
  return <Empty>No row has a value to draw.</Empty>;
}

function formatValue(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6 || (size < 1e-3 && size > 0)) return String(Number(value.toPrecision(4)));
  return formatCount(Number(value.toPrecision(6)));
}
