// Types as values of tests: `Expect<Equal<A, B>>` compiles only if A and B are the same type.

/** The same type, to the letter: `any` equals `any` alone, and an optional key is no required one. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles for `true` alone. */
export type Expect<T extends true> = T;

/** Whether a type is `any`. */
export type IsAny<T> = 0 extends 1 & T ? true : false;
