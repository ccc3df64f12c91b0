import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';

interface DialogProps {
  readonly title: string;
  /** Called when it closes, Escape included. */
  readonly end: () => void;
  readonly children: ReactNode;
}

/** A question over the page; the browser keeps the keyboard inside and gives it back afterwards. */
export function Dialog({ title, end, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const name = useId();
  // Closed before it is taken away, so that the browser gives the keyboard back.
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        end();
      }}
    >
      <h2 id={name}>{title}</h2>
      {children}
    </dialog>
  );
}
