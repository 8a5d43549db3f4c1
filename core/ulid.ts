const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether the text is a ULID as Kindred writes them: 26 characters of Crockford's base 32, upper case. They sort by time. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}
