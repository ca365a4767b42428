// Copies a text and says so.
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from 'react-aria-components/Button';

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'refused' | null>(null);
  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => setOutcome(null), 2_500);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      // No permission, or a page without TLS.
      setOutcome('refused');
    }
  };
  return (
    <Button className="button slim" onPress={() => void copy()}>
      {outcome === 'copied' ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
      <span role="status">
        {outcome === 'copied' ? 'Copied' : outcome === 'refused' ? 'Select and copy it by hand' : label}
      </span>
    </Button>
  );
}
