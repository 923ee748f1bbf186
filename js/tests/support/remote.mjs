// The page's end of support/firefox.mjs: asks what to do, and tells what came of it.

/** Works for who is at this URL, for as long as the page is there. */
export async function workFor(control) {
  const post = (path, message) => fetch(`${control}/${path}`, { method: "POST", body: JSON.stringify(message) });
  globalThis.say = (message) => post("say", message);
  for (;;) {
    const { code, argument } = await (await fetch(`${control}/next`)).json();
    try {
      const value = await (0, eval)(`(${code})`)(argument);
      await post("done", { value });
    } catch (error) {
      await post("done", { error: String(error.stack ? `${error}\n${error.stack}` : error) });
    }
  }
}
