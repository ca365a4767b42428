// The results that are served now.
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { api } from '../api.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { ListOf, Page } from '../components/page.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { formatCount, formatMoment, formatRelative } from '../format.ts';
import { useNow } from '../live/use-now.ts';

const resultColumns: readonly Column[] = [
  { name: 'Result' },
  { name: 'Job' },
  { name: 'Rows', right: true },
  { name: 'Columns', right: true },
  { name: 'Key' },
  { name: 'Published' },
  { name: 'By run' },
];

export function ResultsPage() {
  const now = useNow(10_000);
  const { data, error } = useQuery({
    queryKey: ['results'],
    queryFn: ({ signal }) => api.results(signal),
    refetchInterval: 10_000,
  });
  return (
    <Page title="Results">
      {error === null ? null : <ProblemView error={error} />}
      <ListOf
        what="the results"
        items={data?.results}
        isRefused={error !== null}
        empty={<p>Nothing has been published yet. A job’s results are served once a run of it succeeds.</p>}
      >
        {(results) => (
          <section className="card" aria-label="Results">
            <DataTable columns={resultColumns}>
              {results.map(({ name, job, rows, columns, key, publishedAt, run }) => (
                <tr key={name}>
                  <th scope="row">
                    <Link href={`/results/${encodeURIComponent(name)}`}>{name}</Link>
                  </th>
                  <td data-label="Job">{job}</td>
                  <td data-label="Rows" className="right">
                    {formatCount(rows)}
                  </td>
                  <td data-label="Columns" className="right">
                    {columns.length}
                  </td>
                  <td data-label="Key">{key ?? <span className="muted">none</span>}</td>
                  <td data-label="Published" title={formatMoment(publishedAt)}>
                    {formatRelative(publishedAt, now)}
                  </td>
                  <td data-label="By run">
                    <Link href={`/runs/${encodeURIComponent(run)}`} className="mono">
                      {run}
                    </Link>
                  </td>
                </tr>
              ))}
            </DataTable>
          </section>
        )}
      </ListOf>
    </Page>
  );
}
