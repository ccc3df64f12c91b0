import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'page.answer.as-it-comes': {
    says: 'an answer stands on the page as far as it was said',
    breaks: 'attend hear: drop deltas; the history alone shows the answer',
    from: 'README.md: What you get',
  },
  'page.answer.stop': {
    says: 'Escape stops the model, and what it said stays and is marked',
    breaks: 'stop stopOnServer: do not ask the server',
    from: 'README.md: What you get',
  },
  'page.answer.stop-early': {
    says: 'what was stopped before a word was said goes back into the box',
    breaks: 'settle: give nothing back',
    from: 'README.md: What you get',
  },
  'page.answer.reload-elsewhere': {
    says: 'a page that is loaded anew in mid-answer goes on where it was, on another replica',
    breaks: 'memory saveTurn: keep nothing once the server has it',
    from: 'README.md: What you get',
  },
  'page.answer.replica-killed': {
    says: 'when the replica dies in mid-answer the page says that the answer starts again, and shows it once',
    breaks: 'live-turn afterTold: keep the text on restarted',
    from: 'README.md: What you get',
  },
  'page.answer.network-back': {
    says: 'without a network the page says so, and goes on by itself when it is back',
    breaks: 'turns patiently: throw at once when nobody answers',
    from: 'README.md: What you get',
  },
  'page.answer.sent-once': {
    says: 'a message whose first try was lost on the way is sent again and is one turn',
    breaks: 'memory savedTurns: only those that the server has',
    from: 'README.md: What you get',
  },
  'page.answer.sent-in-order': {
    says: 'messages that were written without a server go out in the order in which they were written',
    breaks: 'attend rebalance: send every message at once',
    from: 'README.md: What you get',
  },
  'page.answer.again': {
    says: 'after an error in the answer one button asks again',
    breaks: 'turns retryTurn: do not rebalance',
    from: 'README.md: What you get',
  },
  'page.queue.place': {
    says: 'a message sent while one is answered shows its place, can be taken back, and is answered in order',
    breaks: 'live-turn afterTold: forget the position',
    from: 'README.md: What you get',
  },
  'page.queue.interrupt': {
    says: 'a message may interrupt the answer, which keeps what was said',
    breaks: 'turns say: leave on_busy out',
    from: 'README.md: What you get',
  },
  'page.tabs.in-step': {
    says: 'a second tab shows the same answer as it comes, and its end',
    breaks: 'tabs tell: say nothing',
    from: 'README.md: What you get',
  },
  'page.access.light': {
    says: 'axe finds nothing serious in any state of the page in light colours',
    breaks: 'tokens.css: a dim colour of less contrast',
    from: 'README.md: What you get',
  },
  'page.access.dark': {
    says: 'axe finds nothing serious in any state of the page in dark colours',
    breaks: 'tokens.css: a dim colour of less contrast in the dark',
    from: 'README.md: What you get',
  },
  'page.isolation': {
    says: 'two conversations of one page, answered at the same time, never see each other',
    breaks: 'thread Entries: read the first conversation that was loaded',
    from: 'README.md: What you get',
  },
  'page.list.own': {
    says: 'without a key the page lists the conversations of this browser and asks for no others',
    breaks: 'sessions loadList: ask for all sessions without a key too',
    from: 'README.md: What you get',
  },
  'page.list.change': {
    says: 'a conversation is found by its title, renamed, and deleted after one question',
    breaks: 'sessions renameSession: do not put the answer into the list',
    from: 'README.md: What you get',
  },
  'page.expired': {
    says: 'when the time of the conversation on view is over the page says that it is gone, before one writes on',
    breaks: 'header Expiry: never ask the server',
    from: 'README.md: What you get',
  },
  'page.gone': {
    says: 'a conversation that the server has forgotten says so and offers a new one',
    breaks: 'sessions dropSession: leave it ready',
    from: 'README.md: What you get',
  },
  'page.keyboard': {
    says: 'all of it is done by keyboard: writing, sending, stopping, choosing, renaming, deleting',
    breaks: 'dialog: close it only after it was taken away',
    from: 'README.md: What you get',
  },
  'page.spoken': {
    says: 'screen readers are told that an answer is being written, and then the whole of it, never its parts',
    breaks: 'attend hear: speak each delta',
    from: 'README.md: What you get',
  },
  'page.phone': {
    says: 'on a phone nothing runs out of the page, and the list is a drawer that opens and closes',
    breaks: 'prose.css, thread.css: let nothing break or scroll by itself',
    from: 'README.md: What you get',
  },
  'page.html-harmless': {
    says: 'markup and scripts in a message or an answer are shown as text and do nothing',
    breaks: 'markdown: leave html to the parser, and skip the sanitiser',
    from: 'README.md: What you get',
  },
  'page.code.copy': {
    says: 'the code of an answer is copied as it was written',
    breaks: 'answer-text: copy the head of the block as well',
    from: 'README.md: What you get',
  },
  'page.key': {
    says: 'a server that wants a key is given one from the page, in a header alone, and forgets it with the tab',
    breaks: 'http send: put the key into the address',
    from: 'README.md: What you get',
  },
  'page.words': {
    says: 'the page speaks the language of its browser, and the other one when it is told to',
    breaks: 'preferences setLanguage: do not save the choice',
    from: 'README.md: What you get',
  },
  'page.self-contained': {
    says: 'the page asks nobody but its own server and the API, keeps to its policy, and is lighter than 150 kB',
    breaks: 'tokens.css: import a font from another host',
    from: 'README.md: What you get',
  },
  'page.example': {
    says: 'the example page imports the built client, and shows the answer over a cut, a 502 and a reload',
    breaks: 'errors.ts isPassing: leave out 502',
    from: 'README.md: What you get',
  },
  'page.example.stop': {
    says: 'the example page stops its answer and keeps what was said',
    breaks: 'examples/page.html: let the click on Stop do nothing',
    from: 'README.md: What you get',
  },
  'page.example.short': {
    says: 'the example page has at most 60 lines and needs nothing that is not served',
    breaks: 'web.ts: do not let pages of other origins import the client',
    from: 'README.md: What you get',
  },
  'page.history.long': {
    says: 'a history of 2,000 messages comes in pages, keeps the reader in place and scrolls smoothly',
    breaks: 'use-scroll useKeepPlace: do not move when messages come in above',
    from: 'README.md: What you get',
  },
  'page.queue.join': {
    says: 'a message may join the one that waits, and both are answered together',
    breaks: 'busy-choice: ask to enqueue instead of to join',
    from: 'README.md: What you get',
  },
  'page.answer.nested': {
    says: 'an answer nested deeper than the parser can go is shown as it was written',
    breaks: 'markdown blocksOf: let the error out',
    from: 'README.md: What you get',
  },
  'page.reasoning.folded': {
    says: 'what the model thinks aloud stands folded above the answer, opens with all of it, and is no part of the answer',
    breaks: 'live-turn afterTold: drop reasoning; the history alone shows it',
    from: 'docs/protocol.md: Events',
  },
  'page.reasoning.reload': {
    says: 'a page that is loaded anew while the model thinks goes on where it was, and shows it again from the history',
    breaks: 'entry Answer: show only what this page heard',
    from: 'docs/protocol.md: Resume',
  },
  'page.reasoning.replica-killed': {
    says: 'when the replica dies while the model thinks, its thoughts begin again with the answer, and a reload goes on from there',
    breaks: 'live-turn afterTold: keep the thoughts on restarted',
    from: 'docs/protocol.md: Events',
  },
  'page.reasoning.not-stored': {
    says: 'what the model thought aloud stays on a page that heard it, also where the server does not store it',
    breaks: 'settle without: keep no thoughts',
    from: 'docs/protocol.md: Events',
  },
  'page.reasoning.place': {
    says: 'who opens long thoughts at the end of the page is left at their beginning',
    breaks: 'use-scroll: keep to the end when a fold is opened',
    from: 'README.md: What you get',
  },
  'page.parts': {
    says: 'a message of more than text shows the pictures that it holds, names its other images and files, and asks nobody for them',
    breaks: 'message-parts Attached: show an image as an image',
    from: 'docs/protocol.md: One message, one answer',
  },
  'page.parts.tools': {
    says: 'the calls of tools in a history, and what those replied, stand folded',
    breaks: 'message-parts ToolParts: leave results out',
    from: 'docs/protocol.md: Looking back',
  },
  'page.ui-example': {
    says: 'a page with useChat that is reloaded in mid-answer goes on with it on another replica, and asks the next question there',
    breaks: 'ui-door: 204 always',
    from: 'docs/protocol.md: UI message stream',
  },
  'page.ui-example.takeover': {
    says: 'when the replica is killed in mid-answer, a page with useChat that reads it elsewhere shows the new answer alone',
    breaks: 'ui-frames: no reset-step',
    from: 'docs/protocol.md: UI message stream',
  },
  'page.ui-example.stop': {
    says: 'a page with useChat stops its answer at the server, makes it anew, and tries again what failed',
    breaks: 'means-last-turn: return true always',
    from: 'docs/protocol.md: UI message stream',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
