import type { Message, Part } from '../client/shapes.ts';
import { useWords } from './context.ts';
import { Fold } from './fold.tsx';
import { Icon, type IconName } from './icons.tsx';

/** What the model thought aloud before or between what it said, as the history has it. */
export function thoughtsIn(message: Message): string {
  const parts = message.parts ?? [];
  return parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])).join('\n\n');
}

/** Pictures that a browser draws and that hold no script. */
const DRAWN = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,/i;

/**
 * The images and files of a message. A picture that came with the message is shown; any other only by name, because to
 * show it would be a request to somebody else's server.
 */
export function Attached({ parts }: { readonly parts: readonly Part[] }) {
  const words = useWords();
  const all = parts.flatMap((part): { icon: IconName; url: string; name: string }[] => {
    if (part.type === 'image') return [{ icon: 'image', url: part.image_url, name: words.image }];
    if (part.type !== 'file') return [];
    return [{ icon: 'file', url: part.file_url ?? '', name: part.filename || words.file }];
  });
  if (all.length === 0) return null;
  return (
    <ul className="attached">
      {all.map(({ icon, url, name }, index) => (
        <li key={placeIn(index)} className={DRAWN.test(url) ? 'picture' : undefined}>
          {DRAWN.test(url) ? (
            <img src={url} alt={name} />
          ) : (
            <>
              <Icon name={icon} />
              <Named url={url} name={name} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function Named({ url, name }: { readonly url: string; readonly name: string }) {
  const host = /^https:/i.test(url) && URL.canParse(url) ? new URL(url).host : '';
  if (host === '') return <span>{name}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {name} · {host}
    </a>
  );
}

/** Calls of tools, and what those replied. */
export function ToolParts({ parts }: { readonly parts: readonly Part[] }) {
  const words = useWords();
  const all = parts.flatMap((part) => {
    if (part.type === 'function_call') return [{ name: words.toolCall(part.name), text: part.arguments }];
    if (part.type !== 'function_result') return [];
    return [{ name: part.is_error === true ? words.toolFailed : words.toolResult, text: part.output }];
  });
  return all.map(({ name, text }, index) => (
    <Fold key={placeIn(index)} name={name}>
      {() => <pre>{text}</pre>}
    </Fold>
  ));
}

/** A stored message never changes, so its parts need no name but their place. */
function placeIn(index: number): string {
  return `p${index}`;
}
