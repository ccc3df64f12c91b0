/** Served in place of the chat page when that was not built. No style of its own: the page's policy allows none. */
export const UNBUILT_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Turnwise</title>
  </head>
  <body>
    <h1>The chat page is not built</h1>
    <p>Build it with <code>npm run build</code>, then reload this page.</p>
    <p>The API works without it.</p>
  </body>
</html>
`;
