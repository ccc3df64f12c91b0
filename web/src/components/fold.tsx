import { type ReactNode, useState } from 'react';

interface FoldProps {
  readonly name: string;
  /** Made only while it is open: what nobody looks at costs nothing as it grows. */
  readonly children: () => ReactNode;
}

/** What stands beside an answer, for those who open it. */
export function Fold({ name, children }: FoldProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{name}</summary>
      <div className="folded">{isOpen && children()}</div>
    </details>
  );
}
