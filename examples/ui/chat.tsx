// CORS_ORIGINS=http://localhost:3000,http://localhost:5173 npm run quickstart
// npx vite examples/ui                                     http://localhost:5173
import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport, type UIMessage } from 'ai';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const SERVER = new URLSearchParams(location.search).get('server') ?? 'http://localhost:8000';
const api = `${SERVER}/api/ui/chat`;

// The chat is named here; what was said in it is kept by the server.
sessionStorage.chat ??= crypto.randomUUID();
const id: string = sessionStorage.chat;

function Chat({ said }: { readonly said: UIMessage[] }) {
  const [text, setText] = useState('');
  const chat = useChat({
    id,
    messages: said,
    // A reload in mid-answer goes on with it, whichever replica it reaches.
    resume: true,
    transport: new DefaultChatTransport({
      api,
      // The server has the rest.
      prepareSendMessagesRequest: ({ id, messages, trigger, messageId, body }) => ({
        body: { ...body, id, message: messages.at(-1), trigger, messageId },
      }),
    }),
  });
  const isBusy = chat.status === 'submitted' || chat.status === 'streaming';
  const last = chat.messages.at(-1);

  /** `chat.stop()` alone would leave the server at work. */
  async function stop() {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ messageId: last?.id });
    await fetch(`${api}/${id}/stop`, { method: 'POST', headers, body });
  }

  return (
    <>
      {chat.messages.map((message) => (
        <section key={message.id} aria-label={message.role}>
          {message.parts.map((part, index) => {
            const key = `${message.id}-${index}`;
            if (part.type === 'reasoning') return <i key={key}>{part.text}</i>;
            return part.type === 'text' ? <p key={key}>{part.text}</p> : null;
          })}
        </section>
      ))}
      {chat.error && <p role="alert">{chat.error.message}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          sessionStorage.asked = text;
          chat.sendMessage({ text });
          setText('');
        }}
      >
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} required />
        <button type="submit" disabled={isBusy}>
          Send
        </button>
        <button type="button" disabled={!isBusy || last?.role !== 'assistant'} onClick={stop}>
          Stop
        </button>
        <button type="button" disabled={isBusy || last === undefined} onClick={() => chat.regenerate()}>
          Again
        </button>
      </form>
    </>
  );
}

/** What was said so far. The running turn is not in it yet: `resume` shows its answer, and its question is kept here. */
async function history(): Promise<UIMessage[]> {
  const reply = await fetch(`${SERVER}/api/sessions/${id}/messages`);
  const { messages } = (reply.ok ? await reply.json() : { messages: [] }) as {
    messages: { id: string; role: 'user' | 'assistant' | 'tool'; content: string }[];
  };
  const said = messages.flatMap(({ id, role, content }) => (role === 'tool' ? [] : [{ id, role, content }]));
  const asked: string = sessionStorage.asked ?? '';
  const isKnown = asked === '' || said.findLast(({ role }) => role === 'user')?.content === asked;
  if (!isKnown) said.push({ id: crypto.randomUUID(), role: 'user', content: asked });
  return said.map(({ id, role, content }) => ({ id, role, parts: [{ type: 'text', text: content }] }));
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<Chat said={await history()} />);
