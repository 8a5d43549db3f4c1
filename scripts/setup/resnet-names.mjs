/**
 * Layer names of ResNet50: from those of old Keras (res2a_branch2b, bn2a_branch2b) to those of today's (conv2_block1_2_conv,
 * conv2_block1_2_bn).
 */
const PLACES = new Map([
  ['branch1', 0],
  ['branch2a', 1],
  ['branch2b', 2],
  ['branch2c', 3],
]);

/** Variables of a layer, in the order in which they are stored. */
const VARIABLES = ['kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance'];

/**
 * @param {string} old a weight's name, such as "res2a_branch2b/kernel"
 * @returns {string | undefined} today's name, or undefined for the classifier on top, which is left out
 */
export function newName(old) {
  const [layer = '', variable = ''] = old.split('/');
  if (!VARIABLES.includes(variable)) throw new Error(`Unknown variable in the weight's name "${old}".`);
  if (layer === 'fc1000') return undefined;
  if (layer === 'conv1') return `conv1_conv/${variable}`;
  if (layer === 'bn_conv1') return `conv1_bn/${variable}`;
  const match = /^(res|bn)([2-5])([a-f])_(branch(?:1|2[abc]))$/.exec(layer);
  if (!match) throw new Error(`Unknown layer in the weight's name "${old}".`);
  const [, kind, stage, letter = '', branch = ''] = match;
  const block = letter.charCodeAt(0) - 'a'.charCodeAt(0) + 1;
  return `conv${stage}_block${block}_${PLACES.get(branch)}_${kind === 'res' ? 'conv' : 'bn'}/${variable}`;
}

/**
 * Orders names from the input to the output: stage, block, place in the block, convolution before normalisation.
 *
 * @param {string} a
 * @param {string} b
 */
export function byDepth(a, b) {
  const left = depth(a);
  const right = depth(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** @param {string} name all its numbers are single digits, so that plain comparison orders them */
function depth(name) {
  const [layer = '', variable = ''] = name.split('/');
  return `${layer.replace('_conv', '_0').replace('_bn', '_1')}/${VARIABLES.indexOf(variable)}`;
}
