// One result: its rows with filter and order, a chart, and how a program asks for the same.
import { useQuery } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, ArrowUpDown, ChevronLeft, ChevronRight, Download, X } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link, useSearchParams } from 'wouter';
import { api, resultUrl } from '../api.ts';
import type { ResultInfo, ResultPage as Rows } from '../api-types.ts';
import { kindOfColumn } from '../choose-chart.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { ChoiceField, TextField } from '../components/fields.tsx';
import { Card, Empty, Loading, Page } from '../components/page.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { ResultChart } from '../components/result-chart.tsx';
import { formatCell, formatCount, formatMoment, formatPlural } from '../format.ts';
import {
  type Filter,
  nextSort,
  type Operator,
  operators,
  type ResultQuery,
  readResultQuery,
  toCurl,
  writeResultQuery,
} from '../result-query.ts';

const pageSize = 50;

export function ResultPage({ name }: { readonly name: string }) {
  const results = useQuery({
    queryKey: ['results'],
    queryFn: ({ signal }) => api.results(signal),
    refetchInterval: 10_000,
  });
  const info = results.data?.results.find((result) => result.name === name);
  if (info === undefined) {
    return (
      <Page title={name}>
        {results.error !== null ? (
          <ProblemView error={results.error} />
        ) : results.data === undefined ? (
          <Loading what="the result" />
        ) : (
          <Empty>
            <p>No result of this name is served.</p>
            <Link href="/results">All results</Link>
          </Empty>
        )}
      </Page>
    );
  }
  return <KnownResult info={info} />;
}

function KnownResult({ info }: { readonly info: ResultInfo }) {
  const [search, setSearch] = useSearchParams();
  const query = readResultQuery(search);
  const change = (next: Partial<ResultQuery>): void =>
    setSearch(new URLSearchParams(writeResultQuery({ ...query, offset: 0, ...next })), { replace: true });
  const asked = writeResultQuery(query, { limit: pageSize });
  const page = useQuery({
    queryKey: ['result', info.name, info.version, asked],
    queryFn: ({ signal }) => api.resultPage(info.name, asked, signal),
    placeholderData: (before) => before,
  });
  return (
    <Page
      title={info.name}
      about={
        <>
          {formatPlural(info.rows, 'row')} of <Link href={`/runs?job=${encodeURIComponent(info.job)}`}>{info.job}</Link>
          , published {formatMoment(info.publishedAt)} by run{' '}
          <Link className="mono" href={`/runs/${encodeURIComponent(info.run)}`}>
            {info.run}
          </Link>
        </>
      }
    >
      <ResultChart info={info} query={query} />
      <Card
        title="Rows"
        flush
        actions={
          <span className="muted small number" role="status">
            {/* Rows of the last question stand until those of this one are here. */}
            {page.data === undefined || page.isPlaceholderData ? 'looking…' : `${formatCount(page.data.total)} match`}
          </span>
        }
      >
        <FilterBar info={info} query={query} onChange={change} />
        {page.error === null ? null : (
          <div className="card-body">
            <ProblemView error={page.error} />
          </div>
        )}
        {page.data === undefined ? (
          page.error === null ? (
            <Loading what="the rows" />
          ) : null
        ) : page.error !== null ? null : (
          <>
            <RowTable info={info} page={page.data} sort={query.sort} onSort={(sort) => change({ sort })} />
            <Pager page={page.data} onMove={(offset) => change({ offset })} />
          </>
        )}
      </Card>
      <RestCall info={info} query={query} />
    </Page>
  );
}

interface FilterBarProps {
  readonly info: ResultInfo;
  readonly query: ResultQuery;
  readonly onChange: (change: Pick<ResultQuery, 'filters'>) => void;
}

function FilterBar({ info: { columns }, query: { filters }, onChange }: FilterBarProps) {
  const [draft, setDraft] = useState<Filter>({ column: columns[0]?.name ?? '', operator: 'eq', value: '' });
  const kind = kindOfColumn(columns.find(({ name }) => name === draft.column)?.type ?? '');
  const fitting = operators.filter(({ value }) => value !== 'contains' || kind === 'category');
  const add = (event: FormEvent): void => {
    event.preventDefault();
    onChange({ filters: [...filters, draft] });
    setDraft({ ...draft, value: '' });
  };
  return (
    <div className="card-body stack">
      <form className="field-row" onSubmit={add} aria-label="Add a filter">
        <ChoiceField
          label="Column"
          value={draft.column}
          options={columns.map(({ name }) => ({ value: name, text: name }))}
          onChange={(column) => setDraft({ ...draft, column, operator: 'eq' })}
        />
        <ChoiceField<Operator>
          label="Comparison"
          value={draft.operator}
          options={fitting}
          onChange={(operator) => setDraft({ ...draft, operator })}
        />
        <TextField label="Value" value={draft.value} onChange={(value) => setDraft({ ...draft, value })} />
        <Button className="button" type="submit">
          Add filter
        </Button>
      </form>
      {filters.length === 0 ? null : (
        <ul className="chips" aria-label="Filters">
          {filters.map((filter, index) => {
            const operator = operators.find(({ value }) => value === filter.operator)?.text ?? filter.operator;
            const text = `${filter.column} ${operator} ${filter.value === '' ? '(empty)' : filter.value}`;
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a filter may stand there twice, and has no other name.
              <li className="chip" key={`${text} ${index}`}>
                {text}
                <button
                  type="button"
                  aria-label={`Remove the filter ${text}`}
                  onClick={() => onChange({ filters: filters.filter((_, other) => other !== index) })}
                >
                  <X size={14} aria-hidden />
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

interface RowTableProps {
  readonly info: ResultInfo;
  readonly page: Rows;
  readonly sort: string | null;
  readonly onSort: (sort: string | null) => void;
}

function RowTable({ info: { columns, name }, page, sort, onSort }: RowTableProps) {
  if (page.rows.length === 0) return <Empty>No row matches.</Empty>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by keyboard.
    <section className="table-scroll" tabIndex={0} aria-label={`Rows of ${name}`}>
      <table className="table">
        <thead>
          <tr>
            {columns.map((column) => {
              const order = sort === column.name ? 'ascending' : sort === `-${column.name}` ? 'descending' : 'none';
              const Icon = order === 'none' ? ArrowUpDown : order === 'ascending' ? ArrowUp : ArrowDown;
              return (
                <th
                  key={column.name}
                  scope="col"
                  aria-sort={order}
                  className={kindOfColumn(column.type) === 'number' ? 'right' : undefined}
                  title={column.type}
                >
                  <button type="button" className="sort" onClick={() => onSort(nextSort(sort, column.name))}>
                    {column.name}
                    <Icon size={13} aria-hidden />
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no name of their own, and do not move.
            <tr key={`${page.offset} ${index}`}>
              {columns.map((column) => (
                <td key={column.name} className={kindOfColumn(column.type) === 'number' ? 'right' : undefined}>
                  <span className="cell-data" title={formatCell(row[column.name])}>
                    {formatCell(row[column.name])}
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Pager({ page, onMove }: { readonly page: Rows; readonly onMove: (offset: number) => void }) {
  const { offset, total, rows } = page;
  return (
    <div className="table-foot">
      <span className="muted small number">
        {rows.length === 0
          ? ''
          : `${formatCount(offset + 1)} to ${formatCount(offset + rows.length)} of ${formatCount(total)}`}
      </span>
      <div className="actions">
        <Button
          className="button slim"
          isDisabled={offset === 0}
          onPress={() => onMove(Math.max(0, offset - pageSize))}
        >
          <ChevronLeft size={15} aria-hidden />
          Previous
        </Button>
        <Button
          className="button slim"
          isDisabled={offset + rows.length >= total}
          onPress={() => onMove(offset + pageSize)}
        >
          Next
          <ChevronRight size={15} aria-hidden />
        </Button>
      </div>
    </div>
  );
}

function RestCall({ info, query }: { readonly info: ResultInfo; readonly query: ResultQuery }) {
  const all: ResultQuery = { ...query, offset: 0 };
  const command = toCurl(window.location.origin, resultUrl(info.name, writeResultQuery(query, { limit: pageSize })));
  return (
    <Card title="The same for programs" actions={<CopyButton text={command} label="Copy the command" />}>
      <div className="stack">
        <code className="code-block">{command}</code>
        <div className="actions">
          {(['csv', 'arrow'] as const).map((format) => (
            <a
              key={format}
              className="button"
              href={resultUrl(info.name, writeResultQuery(all, { format }))}
              download={`${info.name}.${format}`}
            >
              <Download size={16} aria-hidden />
              {format === 'csv' ? 'CSV' : 'Arrow'}
            </a>
          ))}
          <span className="muted small">
            {query.filters.length === 0 ? 'all rows' : 'all rows that match'}, in the order above
          </span>
        </div>
      </div>
    </Card>
  );
}
