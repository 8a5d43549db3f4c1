/** Usage: get-many FOLDER COUNT: asks for the object "a" so many times at once and prints how many answers were right, or what went wrong. */
import { fsStore } from '../../../../core/storage/fs.ts';
import { asText } from '../contract.ts';

const [folder = '', count = ''] = process.argv.slice(2);
const store = fsStore(folder);
try {
  const asked = Array.from({ length: Number(count) }, () => store.get('a'));
  const right = (await Promise.all(asked)).filter((found) => asText(found?.bytes) === 'content');
  console.log(right.length);
} catch (error) {
  console.log(String(error));
}
