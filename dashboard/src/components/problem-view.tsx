// An error as the API tells it: code, message, what to do.
import { CircleAlert, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { toProblem } from '../api.ts';
import type { Failure } from '../api-types.ts';

interface ProblemViewProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function ProblemView({ error, onRetry }: ProblemViewProps) {
  const { code, detail, hint, problems = [] } = toProblem(error);
  return (
    <div className="notice" data-tone="bad" role="alert">
      <CircleAlert size={20} aria-hidden />
      <div className="notice-text">
        <p>
          <strong>{code}</strong> {detail}
        </p>
        {problems.map((problem) => (
          <p key={`${problem.place} ${problem.message}`}>
            <code>{problem.place}</code> {problem.message}
            {problem.hint === undefined ? null : <span className="muted"> – {problem.hint}</span>}
          </p>
        ))}
        {hint === undefined ? null : <p className="muted">{hint}</p>}
        {onRetry === undefined ? null : (
          <p>
            <Button className="button slim" onPress={onRetry}>
              Try again
            </Button>
          </p>
        )}
      </div>
    </div>
  );
}

/** Why a run or an operation failed. */
export function FailureView({ failure }: { readonly failure: Failure }) {
  return (
    <div className="notice" data-tone="bad">
      <CircleAlert size={20} aria-hidden />
      <div className="notice-text">
        <p>
          <strong>{failure.code}</strong> {failure.message}
        </p>
        {failure.hint === null ? null : <p className="muted">{failure.hint}</p>}
      </div>
    </div>
  );
}

export function Warning({ children }: { readonly children: ReactNode }) {
  return (
    <div className="notice" data-tone="wait">
      <TriangleAlert size={20} aria-hidden />
      <div className="notice-text">{children}</div>
    </div>
  );
}
