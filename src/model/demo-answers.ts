/** What the demo model says: a few rules over the messages it was shown, and nothing else. */

export interface DemoMessage {
  readonly role: string;
  readonly content: string;
}

const longestAnswer = 5000;
const han = /\p{Script=Han}/u;

const asksForNameChinese =
  /我(?:的名字)?(?:叫|是)(?:什么|甚么|啥|谁|何)|(?:知道|记得|记住|说出|告诉我)[^。！？\n]{0,6}我的名字/u;
const asksForNameEnglish =
  /\b(?:what(?:['’]s| is| was)|know|remember|recall|tell me|say) my name\b|\bwho am i\b/i;

const latinName = String.raw`[A-Za-z][\p{L}\p{M}'’-]{0,39}(?: [A-Z][\p{L}\p{M}'’-]{0,39}){0,3}`;
// Chinese has no space after a name: it ends before words that usually follow, or where the script changes.
const hanName = String.raw`[\p{Script=Han}·]{1,12}?(?=今年|来自|现在|住在|很|请|你|是|[^\p{Script=Han}·]|$)`;
const tellsName = [
  // 我是 also begins many sentences that give no name, so there the clause must end with the name.
  new RegExp(`我(?:的名字)?叫(?:做|作)? ?(${hanName}|${latinName})`, 'gu'),
  new RegExp(
    String.raw`我(?:的名字)?是 ?([\p{Script=Han}·]{1,4}|${latinName})(?=[\s，。！？、,.!?;；]|$)`,
    'gu',
  ),
  new RegExp(
    String.raw`\b[Mm]y name(?: is|['’]s) (${latinName}|${hanName}|\p{L}[\p{L}\p{M}'’-]{0,39})`,
    'gu',
  ),
  new RegExp(String.raw`\bI(?: am|['’]m) called (${latinName}|${hanName}|\p{L}[\p{L}\p{M}'’-]{0,39})`, 'gu'),
];
const noName =
  /^(?:什么|甚么|啥|谁|何|不|没|你|您|他|她|它|们|这|那|一|个|来|在|想|要|从|了|not|what|who|a|an|the|unknown|secret|to)|[的吗呢吧么嘛员师]$|(?:学生|医生|人)$/u;
const noLatinName = /^(?:not|what|who|a|an|the|unknown|secret|to)$/i;

/** The answer to the newest user messages, in their language. */
export function answerFor(messages: readonly DemoMessage[]): string {
  const firstNew = messages.findLastIndex((message) => message.role !== 'user') + 1;
  const asked = messages
    .slice(firstNew)
    .map((message) => message.content)
    .join('\n');
  const isChinese = han.test(asked);

  if (asksForNameChinese.test(asked) || asksForNameEnglish.test(asked)) {
    const name = nameTold(messages);
    if (isChinese) return name === undefined ? '我不知道你的名字，请告诉我。' : `你叫${name}。`;
    return name === undefined ? 'I do not know your name yet.' : `Your name is ${name}.`;
  }
  const wanted = lengthWanted(asked);
  if (wanted !== undefined) return isChinese ? longChinese(wanted) : longEnglish(wanted);

  const newName = nameTold(messages.slice(firstNew));
  if (newName !== undefined) {
    return isChinese ? `你好，${newName}！很高兴认识你。` : `Hello ${newName}, nice to meet you.`;
  }
  const earlier = messages.slice(0, firstNew).filter((message) => message.role !== 'system').length;
  const echo = beginning(asked, 60);
  return isChinese
    ? `我是 Turnwise 的演示模型，只会几条规则。这次我看到了 ${earlier} 条之前的消息。你说的是：「${echo}」。可以告诉我你的名字，再问“我叫什么”，或者让我“写 200 字”。`
    : `I am the demo model of Turnwise and know only a few rules. I was shown ${earlier} earlier messages. You wrote: "${echo}". Tell me your name and ask for it later, or say "write 200 words".`;
}

/** Cuts a text into the words it is streamed in; joined again they are the text. */
export function wordsOf(text: string): string[] {
  return text.match(/\s*(?:\p{Script=Han}{1,2}|[^\s\p{Script=Han}]+)|\s+$/gu) ?? [];
}

/** The last name that the user gave, in any of these messages. */
function nameTold(messages: readonly DemoMessage[]): string | undefined {
  const told = messages
    .filter((message) => message.role === 'user')
    .flatMap((message) => namesIn(message.content));
  return told.at(-1);
}

function namesIn(text: string): string[] {
  return tellsName
    .flatMap((pattern) => [...text.matchAll(pattern)])
    .sort((a, b) => a.index - b.index)
    .map((match) => (match[1] ?? '').trim())
    .filter((name) => !(han.test(name) ? noName.test(name) : noLatinName.test(name)));
}

function lengthWanted(text: string): number | undefined {
  const match = /(\d{1,5})[ -]?words?\b/i.exec(text) ?? /(\d{1,5}) ?(?:个|個)?(?:汉)?字/u.exec(text);
  return match?.[1] === undefined ? undefined : Math.min(Number(match[1]), longestAnswer);
}

function beginning(text: string, characters: number): string {
  const all = [...text.replace(/\s+/gu, ' ').trim()];
  return all.length > characters ? `${all.slice(0, characters).join('')}…` : all.join('');
}

function longEnglish(words: number): string {
  const opening =
    '## A long answer\n\nThis text streams word by word, so that you can watch, stop or resume it.\n\n- Reload the page while it runs.\n- Press stop and look at what was kept.\n- Open the conversation in a second tab.\n\n```js\nconst answer = await ask("hello");\nconsole.log(answer);\n```\n\n';
  const sentences = [
    'Every conversation keeps its own order, whichever server it reaches.',
    'A turn is written to the history as a whole or not at all.',
    'The stream can be read again from any place you have seen.',
    'Two conversations never wait for each other.',
  ];
  return fill(opening, sentences, words, (text) => text.split(/\s+/u).length, ' ');
}

function longChinese(characters: number): string {
  const opening =
    '## 一段长回答\n\n这段文字会一个词一个词地出现，方便你观看、停止或者继续。\n\n- 在生成的时候刷新页面。\n- 点击停止，看看保留了什么。\n- 在另一个标签页打开同一个会话。\n\n```js\nconst answer = await ask("你好");\nconsole.log(answer);\n```\n\n';
  const sentences = [
    '每个会话都有自己的顺序，不管请求到达哪一台服务器。',
    '一轮对话要么完整写入历史，要么完全不写。',
    '回答的流可以从你看到的任何地方继续读取。',
    '两个会话之间从不互相等待。',
  ];
  return fill(opening, sentences, characters, (text) => text.match(/\p{Script=Han}/gu)?.length ?? 0, '');
}

function fill(
  opening: string,
  sentences: readonly string[],
  wanted: number,
  sizeOf: (text: string) => number,
  joint: string,
): string {
  const body: string[] = [];
  for (let size = sizeOf(opening); size < wanted || body.length === 0; ) {
    const sentence = sentences[body.length % sentences.length] ?? '';
    body.push(sentence);
    size += sizeOf(sentence);
  }
  return opening + body.join(joint);
}
