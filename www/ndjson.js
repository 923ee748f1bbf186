// Lines of JSON out of a stream of bytes.

/** Yields, for each piece of the stream, the parsed lines that it completes and the bytes read so far. */
export async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let number = 0;
  const parse = (text) => {
    number++;
    if (text.trim() === "") return [];
    try {
      return [JSON.parse(text)];
    } catch (error) {
      throw new Error(`line ${number} is not JSON: ${error.message}`);
    }
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield { lines: parts.flatMap(parse), characters: value.length };
  }
  yield { lines: parse(rest), characters: 0 };
}
