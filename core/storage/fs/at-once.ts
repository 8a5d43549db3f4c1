import pLimit from 'p-limit';

/**
 * Runs `work`, which has a file open, when few enough of its kind are under way: whoever asks for thousands of objects
 * at once does not run out of open files. 64 is far below what systems allow, and more than a disk has use for.
 */
export const inTurn = pLimit(64);
