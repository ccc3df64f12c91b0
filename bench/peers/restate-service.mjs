/** A conversation as a virtual object of Restate: one turn of it at a time, its history kept with it. */
import * as restate from '@restatedev/restate-sdk';

const model = `${process.env.MODEL_URL}/chat/completions`;

async function ask(messages) {
  const response = await fetch(model, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'scripted', messages }),
  });
  const { choices } = await response.json();
  return choices[0].message.content;
}

const chat = restate.object({
  name: 'chat',
  handlers: {
    turn: async (ctx, message) => {
      const history = (await ctx.get('history')) ?? [];
      history.push({ role: 'user', content: message });
      const reply = await ctx.run('ask', () => ask(history));
      history.push({ role: 'assistant', content: reply });
      ctx.set('history', history);
      return { reply };
    },
  },
});

restate.endpoint().bind(chat).listen(Number(process.env.PORT));
