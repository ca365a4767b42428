// Lines and points on two axes, drawn by uPlot; the colours are those of the style sheet, in both themes.
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { themeChanged } from '../theme.ts';

export interface Series {
  readonly name: string;
  /** Name of a colour of the style sheet, `--compute`. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

interface TimeChartProps {
  /** What the chart shows, for readers who do not see it. */
  readonly label: string;
  /** Moments in seconds since 1970, or plain numbers with `isTime: false`; rising. */
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly formatY: (value: number) => string;
  readonly isTime?: boolean;
  readonly points?: boolean;
  readonly height?: number;
  /** The axis reaches at least up to here: 0 lines would look like peaks otherwise. */
  readonly leastMax?: number;
}

export function TimeChart(props: TimeChartProps) {
  const { label, x, series, height = 190 } = props;
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = JSON.stringify([series.map(({ name, color }) => [name, color]), props.isTime, props.points, height]);
  const plot = useRef<UPlot | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for all that makes another chart necessary.
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new UPlot(describe(latest.current, element, height), toData(latest.current), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    window.addEventListener(themeChanged, draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
      window.removeEventListener(themeChanged, draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the numbers are in `latest`.
  useEffect(() => plot.current?.setData(toData(latest.current)), [x, series]);

  return <div className="chart" ref={frame} role="img" aria-label={label} style={{ height }} />;
}

function toData({ x, series }: TimeChartProps): UPlot.AlignedData {
  return [[...x], ...series.map(({ values }) => [...values])];
}

function describe(props: TimeChartProps, element: HTMLElement, height: number): UPlot.Options {
  const { series, isTime = true, points = false, leastMax } = props;
  const color = (name: string) => resolveColor(element, name);
  const axis = {
    stroke: color('--muted'),
    font: `12px ${getComputedStyle(element).fontFamily}`,
    ticks: { show: false },
    grid: { stroke: color('--line'), width: 1 },
  };
  return {
    width: element.clientWidth,
    height,
    padding: [8, 22, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: isTime },
      y: { range: (_plot, low, high) => chooseRange(low, high, points, leastMax) },
    },
    axes: [
      { ...axis, size: 28, ...(isTime ? { values: clockLabels } : {}) },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map(latestFormat(props)) },
    ],
    series: [
      {},
      ...series.map(({ name, color: lineColor }) => ({
        label: name,
        stroke: color(lineColor),
        width: 2,
        ...(points ? { paths: () => null, points: { show: true, size: 6, fill: color(lineColor), width: 0 } } : {}),
        ...(points ? {} : { points: { show: false } }),
      })),
    ],
    plugins: [createReadout(props)],
  };
}

function latestFormat({ formatY }: TimeChartProps) {
  return (value: number) => formatY(value);
}

/** Lines begin at zero where that does not flatten them out of sight; points fill the room. */
function chooseRange(low: number, high: number, points: boolean, leastMax = 0): [number, number] {
  if (low === null || high === null || Number.isNaN(low)) return [0, 1];
  const top = Math.max(high, leastMax);
  const isNearZero = low >= 0 && low <= top * 0.6;
  const bottom = !points && isNearZero ? 0 : low;
  const margin = (top - bottom) * 0.06 || Math.abs(top) * 0.1 || 1;
  return [bottom === 0 ? 0 : bottom - margin, top + margin];
}

/** Hours and minutes within a day, dates beyond. */
const clockLabels: UPlot.Axis.DynamicValues = (_plot, ticks) => {
  const span = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0);
  const options: Intl.DateTimeFormatOptions =
    span > 2 * 86_400 ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' };
  const format = new Intl.DateTimeFormat('en-GB', options);
  return ticks.map((tick) => format.format(new Date(tick * 1000)));
};

/** `light-dark()` is nothing that a canvas understands: the browser works it out. */
function resolveColor(element: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** The values under the pointer, beside it. */
function createReadout(props: TimeChartProps): UPlot.Plugin {
  const box = document.createElement('div');
  box.className = 'chart-readout';
  return {
    hooks: {
      init: (plot) => plot.over.append(box),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        box.hidden = idx === null || idx === undefined || left === undefined || left < 0;
        if (box.hidden || idx === null || idx === undefined || left === undefined) return;
        const x = plot.data[0][idx] ?? 0;
        const when =
          props.isTime === false ? String(Number(x.toPrecision(6))) : new Date(x * 1000).toLocaleString('en-GB');
        const lines = props.series.map(({ name }, index) => {
          const value = plot.data[index + 1]?.[idx];
          return `${name}: ${value === null || value === undefined ? '–' : props.formatY(value)}`;
        });
        box.textContent = [when, ...lines].join('\n');
        box.dataset.side = left > plot.over.clientWidth / 2 ? 'left' : 'right';
      },
    },
  };
}

export function ChartLegend({ series }: { readonly series: readonly Pick<Series, 'name' | 'color'>[] }) {
  return (
    <ul className="chart-legend">
      {series.map(({ name, color }) => (
        <li key={name}>
          <span style={{ background: `var(${color})` }} />
          {name}
        </li>
      ))}
    </ul>
  );
}
