/** The smallest conversation as a graph: what was said, and one node that asks the model. */
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ChatOpenAI } from '@langchain/openai';

const model = new ChatOpenAI({
  model: 'scripted',
  apiKey: 'bench',
  configuration: { baseURL: process.env.MODEL_URL },
});

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('answer', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, 'answer')
  .compile();
