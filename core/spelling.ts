/**
 * Names that are one text and differ in how Unicode writes it: "é" is one character (NFC), or "e" and an accent (NFD). Keyboards give the first,
 * the file systems of macOS and archives that were made there often the second. Names are kept as they came; what is new joins what is there.
 */
import { InvalidInputError } from './errors.ts';

/** How the name may be written: as it is, composed, decomposed. Nearly every name is but one. */
export function spellingsOf(name: string): string[] {
  return [...new Set([name, name.normalize('NFC'), name.normalize('NFD')])];
}

/** @throws InvalidInputError when two of the classes are one text: people could not tell them apart, nor say which is meant */
export function requireOneSpelling(classes: Iterable<string>, where: string): void {
  const byText = new Map<string, string>();
  for (const name of classes) {
    const other = byText.get(name.normalize('NFC'));
    if (other !== undefined && other !== name) {
      throw new InvalidInputError(
        `${where} has the class ${JSON.stringify(name)} in two spellings of Unicode, ${escaped(other)} and ${escaped(name)}, as file systems and archives ` +
          `of macOS make them: that would be two classes. Put the pictures under one of the two names; "kindred datasets add NAME FOLDER" does that, too.`,
      );
    }
    byText.set(name.normalize('NFC'), name);
  }
}

/** With the code of every character that is not plain ASCII. */
function escaped(name: string): string {
  return JSON.stringify(name).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
