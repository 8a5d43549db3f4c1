import { InvalidInputError } from '../../errors.ts';
import { quote } from '../../storage/keys.ts';

const ADDRESS = /^ssm:\/\/((?:\/[\w.-]+)+)\/?$/;
/** AWS keeps these beginnings of names for itself. */
const RESERVED = /^\/(?:aws|ssm)/i;
/** Parameter Store takes 15 levels, and names of 1011 characters with what it puts before them; a token's is one level more. */
const MOST_LEVELS = 14;
const LONGEST = 900;

/**
 * The path that an address names, as Parameter Store writes it: "ssm:///kindred/tokens" is "/kindred/tokens".
 * @throws InvalidInputError for anything else
 */
export function parseSsmAddress(uri: string): string {
  const path = ADDRESS.exec(uri)?.[1];
  if (path === undefined) {
    throw refused(uri, 'Allowed is "ssm:///PATH", with letters, digits, ".", "-", "_" and "/" in the path');
  }
  if (RESERVED.test(path)) {
    throw refused(uri, 'AWS keeps paths that begin with "aws" or "ssm" for itself; begin with another word');
  }
  if (path.length > LONGEST || path.split('/').length - 1 > MOST_LEVELS) {
    throw refused(uri, `Allowed are ${MOST_LEVELS} levels and ${LONGEST} characters; name a shorter path`);
  }
  return path;
}

function refused(uri: string, why: string): InvalidInputError {
  return new InvalidInputError(`Tokens cannot be kept at ${quote(uri)}. ${why}.`);
}
