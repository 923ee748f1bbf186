/**
 * Lets methods find their object however they are called: through a proxy, as those of Vue's `reactive`, or on an object that
 * inherits from it. Private fields are on the object itself only.
 */
import { FerroliteError } from "../error.js";
import { kindOf } from "../brand.js";

/** Where an object has a function that returns it: proxies wrap objects, and leave functions alone. The same in each script of the package. */
const SELF = Symbol.for("ferrolite.self");

/** Lets the methods of its class find an object. Constructors call it. */
export function findable(object: object): void {
  Object.defineProperty(object, SELF, { value: () => object });
}

/** Lets the methods and accessors of a class work on objects that lead to one that is `findable`. */
export function forwarding({ prototype }: Function): void {
  for (const name of Reflect.ownKeys(prototype)) {
    const property = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
    for (const part of ["value", "get"] as const) {
      if (name !== "constructor" && typeof property[part] === "function") property[part] = forwarded(property[part], String(name));
    }
    Object.defineProperty(prototype, name, property);
  }
}

function forwarded(method: Function, name: string) {
  return function (this: { [SELF]?(): object } | undefined, ...given: unknown[]): unknown {
    const self = this?.[SELF]?.();
    if (self !== undefined) return method.apply(self, given);
    const error = new FerroliteError("Unsupported", `${name} was called without its object; call db.${name}(...), or keep db.${name}.bind(db)`);
    if (kindOf(method) === "AsyncFunction") return Promise.reject(error);
    throw error;
  };
}
