import type { Token } from 'marked';
import { memo, useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import { useWords } from './context.ts';
import { copyText } from './copy.ts';
import { blocksOf, renderBlock } from './markdown.ts';

const COPIED_FOR_MS = 1500;

/** An answer as formatted text; while it grows, only its last blocks are rendered anew. */
export function AnswerText({ text }: { readonly text: string }) {
  const words = useWords();
  const element = useRef<HTMLDivElement>(null);
  const blocks = useMemo(() => blocksOf(text), [text]);
  // The buttons are made by the renderer, not by React, so one listener serves all.
  useEffect(() => {
    const node = element.current;
    const copy = (event: Event) => {
      const button = event.target instanceof Element ? event.target.closest('button.copy-code') : null;
      const code = button?.closest('.code')?.querySelector('code');
      if (!button || !code) return;
      void copyText(code.textContent.replace(/\n$/, '')).then(() => {
        button.textContent = words.copied;
        setTimeout(() => {
          button.textContent = words.copyCode;
        }, COPIED_FOR_MS);
      });
    };
    node?.addEventListener('click', copy);
    return () => node?.removeEventListener('click', copy);
  }, [words]);
  return (
    <div className="prose" ref={element}>
      {blocks.map((block, index) => (
        <Block key={place(index)} block={block} />
      ))}
    </div>
  );
}

/** Blocks have no name but their place: text is only ever added at the end. */
function place(index: number): string {
  return `b${index}`;
}

const Block = memo(
  ({ block }: { readonly block: Token }) => {
    const words = useWords();
    const element = useRef<HTMLDivElement>(null);
    useLayoutEffect(() => {
      element.current?.replaceChildren(renderBlock(block, words));
    }, [block, words]);
    return <div ref={element} />;
  },
  (before, after) => before.block.raw === after.block.raw && before.block.type === after.block.type,
);
