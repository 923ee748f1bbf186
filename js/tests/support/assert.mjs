// Assertions that run in pages as well as in Node.

export class AssertionError extends Error {}

export function ok(condition, message = "not true") {
  if (!condition) throw new AssertionError(message);
}

/** Deep equality of what JSON can hold, with `undefined` told apart. */
export function equal(actual, expected, message = "") {
  const [left, right] = [text(actual), text(expected)];
  if (left !== right) throw new AssertionError(`${message}\n  expected ${right}\n  actual   ${left}`);
}

/**
 * The promise must reject with a `FerroliteError` that has this code, and a message that matches. What a signal has aborted has
 * the name that such errors have everywhere.
 */
export async function rejects(promise, code, pattern = /./, message = "") {
  let value;
  try {
    value = await promise;
  } catch (error) {
    const isNamed = error.name === "FerroliteError" || (code === "Aborted" && error.name === "AbortError");
    if (!isNamed || error.code !== code) {
      throw new AssertionError(`${message}\n  expected a FerroliteError with the code ${code}\n  actual ${error.name} ${error.code}: ${error.stack}`);
    }
    if (!pattern.test(error.message)) throw new AssertionError(`${message}\n  ${pattern} does not match: ${error.message}`);
    return error;
  }
  throw new AssertionError(`${message}\n  expected an error ${code}, and got ${text(value)}`);
}

function text(value) {
  return JSON.stringify(value, (key, member) => (member === undefined ? "<undefined>" : member)) ?? "<undefined>";
}
