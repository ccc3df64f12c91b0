import { useState } from 'react';
import { useWords } from './context.ts';
import { copyText } from './copy.ts';
import { Icon } from './icons.tsx';

export function CopyAnswer({ text }: { readonly text: string }) {
  const words = useWords();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  const name = isCopied ? words.copied : words.copyAnswer;
  return (
    <button
      type="button"
      className="quiet small icon-only"
      onClick={() => void copy()}
      aria-label={name}
      title={name}
    >
      <Icon name={isCopied ? 'check' : 'copy'} />
    </button>
  );
}
