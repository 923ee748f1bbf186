/**
 * Lets `instanceof` know the objects of a class wherever they come from: each script of the package stands by itself, so a page
 * that imports several of them has the class several times.
 */
export function brand(type: Function & { readonly prototype: object }, name: string): void {
  const mark = Symbol.for(`ferrolite.${name}`);
  Object.defineProperty(type.prototype, mark, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // Classes that are derived from it go by their prototypes.
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this as Function, value);
      return typeof value === "object" && value !== null && mark in value;
    },
  });
}

/** The kind of an object, by what its class has put into it: "Date", "Uint8Array", "Error". */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
