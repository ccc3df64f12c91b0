import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';

const marked = new Marked({ gfm: true, breaks: true });

/** Names of the words that stand on a code block. */
export interface CodeWords {
  readonly copyCode: string;
}

const PURIFY = {
  RETURN_DOM_FRAGMENT: true,
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'strong', 'em', 'del', 'a'],
    ...['ul', 'ol', 'li', 'input', 'code', 'pre', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
    ...['div', 'span', 'button'],
  ],
  ALLOWED_ATTR: [
    'href',
    'title',
    'rel',
    'target',
    'class',
    'type',
    'checked',
    'disabled',
    'start',
    'align',
    'tabindex',
    'role',
    'aria-label',
  ],
  // Addresses that run code, or tell what stands on this machine, are not followed.
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
  // The sanitiser tries the pattern on every attribute that is not named here.
  ADD_URI_SAFE_ATTR: ['rel', 'target', 'type', 'start', 'align', 'tabindex', 'aria-label'],
} as const;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);

let words: CodeWords = { copyCode: '' };

marked.use({
  renderer: {
    // What looks like HTML is shown as it was written: an answer has no markup of its own.
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    // A picture would be a request to somebody else's server.
    image: ({ href, text }: Tokens.Image) => link(href, escaped(text || href)),
    link(token: Tokens.Link) {
      return link(token.href, this.parser.parseInline(token.tokens));
    },
    heading(token: Tokens.Heading) {
      // The page's own headings stand above those of an answer.
      const level = Math.min(6, token.depth + 2);
      return `<h${level} class="d${token.depth}">${this.parser.parseInline(token.tokens)}</h${level}>`;
    },
    code({ text, lang }: Tokens.Code) {
      const name = escaped(/^[\w+#.-]{1,24}/.exec(lang ?? '')?.[0] ?? '');
      return (
        `<div class="code"><div class="code-head"><span>${name}</span>` +
        `<button type="button" class="copy-code">${escaped(words.copyCode)}</button></div>` +
        `<pre tabindex="0"><code>${escaped(text)}\n</code></pre></div>`
      );
    },
    table(token: Tokens.Table) {
      const row = (cells: Tokens.TableCell[]) =>
        `<tr>${cells.map((cell) => this.tablecell(cell)).join('')}</tr>`;
      return `<div class="table" tabindex="0" role="region" aria-label="table"><table><thead>${row(token.header)}</thead><tbody>${token.rows.map(row).join('')}</tbody></table></div>`;
    },
  },
});

function link(href: string, inner: string): string {
  return `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer">${inner}</a>`;
}

/** Cuts an answer into blocks, each of which can be rendered by itself. */
export function blocksOf(text: string): Token[] {
  try {
    return marked.lexer(text).filter((token) => token.type !== 'space');
  } catch {
    // Nested thousands deep it is more than the parser's stack holds: then as it was written.
    return [{ type: 'text', raw: text, text } satisfies Tokens.Text];
  }
}

/** One block as sanitised nodes. */
export function renderBlock(block: Token, codeWords: CodeWords): DocumentFragment {
  words = codeWords;
  try {
    return DOMPurify.sanitize(marked.parser([block]), PURIFY as never) as unknown as DocumentFragment;
  } catch {
    const plain = new DocumentFragment();
    plain.append(block.raw);
    return plain;
  }
}
