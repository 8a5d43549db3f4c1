/** The part of `fs-native-extensions` that is used; the package brings no types. */
declare module 'fs-native-extensions' {
  /** True when the whole file is now locked through this descriptor, false when another one holds it. */
  export function tryLock(fd: number, options?: { shared?: boolean }): boolean;
  export function unlock(fd: number): void;
}
