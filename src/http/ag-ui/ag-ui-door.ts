import type { Door } from '../door/dialect.ts';
import { installErrorReplies } from '../error-reply.ts';
import { AG_UI } from './ag-ui-dialect.ts';
import { resumeRoute } from './resume-route.ts';
import { runRoute } from './run-route.ts';

/** AG-UI: runs of a thread, and a route on which a run can be read again. */
export const agUiDoor: Door = (deps, readers) => async (app) => {
  installErrorReplies(app, AG_UI);
  await app.register(runRoute(deps, readers));
  await app.register(resumeRoute(deps, readers));
};
