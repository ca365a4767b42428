// The results that are served now.
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { api } from '../api.ts';
import { Empty, Loading, Page } from '../components/page.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { formatCount, formatMoment, formatRelative } from '../format.ts';
import { useNow } from '../live/use-now.ts';

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
      {data === undefined ? (
        error === null ? (
          <Loading what="the results" />
        ) : null
      ) : data.results.length === 0 ? (
        <Empty>
          <p>Nothing has been published yet. A job’s results are served once a run of it succeeds.</p>
        </Empty>
      ) : (
        <section className="card table-scroll" aria-label="Results">
          <table className="table folding">
            <thead>
              <tr>
                <th scope="col">Result</th>
                <th scope="col">Job</th>
                <th scope="col" className="right">
                  Rows
                </th>
                <th scope="col" className="right">
                  Columns
                </th>
                <th scope="col">Key</th>
                <th scope="col">Published</th>
                <th scope="col">By run</th>
              </tr>
            </thead>
            <tbody>
              {data.results.map(({ name, job, rows, columns, key, publishedAt, run }) => (
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
            </tbody>
          </table>
        </section>
      )}
    </Page>
  );
}
