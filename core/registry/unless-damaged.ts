import { CorruptDataError } from '../errors.ts';

/** Is told of what is damaged, which is passed over then; where nobody is told, it is thrown. */
export type OnDamaged = (error: CorruptDataError) => void;

/** What is read, or null when it is damaged and somebody is told of that. @throws CorruptDataError where nobody is told of it */
export async function unlessDamaged<T>(
  read: () => Promise<T>,
  onDamaged: OnDamaged | undefined,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (onDamaged === undefined || !(error instanceof CorruptDataError)) throw error;
    onDamaged(error);
    return null;
  }
}
