/**
 * Which published files TensorFlow is taken from, each pinned by version, size and SHA-256, for each platform and variant.
 *
 * The wheels are made for CPython 3.11, but only their shared libraries and C headers are used, so any Python with pip can fetch them.
 */

export const TENSORFLOW_VERSION = '2.21.0';

/**
 * @typedef {object} Wheel
 * @property {string} name the Python package
 * @property {string} version
 * @property {number} bytes
 * @property {string} sha256
 */

/**
 * @typedef {object} Variant
 * @property {readonly string[]} tags the platform tags that pip is told to accept
 * @property {readonly string[]} libraries file names in the wheel's folder `tensorflow/`
 * @property {readonly Wheel[]} wheels
 */

const LINUX_LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
const MAC_LIBRARIES = ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'];

/** @param {string} name @param {string} version @param {number} bytes @param {string} sha256 @returns {Wheel} */
const wheel = (name, version, bytes, sha256) => ({ name, version, bytes, sha256 });

/** @type {Readonly<Record<string, Variant>>} */
export const VARIANTS = {
  'linux-x64-cpu': {
    tags: ['manylinux_2_27_x86_64'],
    libraries: LINUX_LIBRARIES,
    wheels: [
      wheel(
        'tensorflow-cpu',
        TENSORFLOW_VERSION,
        273_829_956,
        '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      ),
    ],
  },
  'linux-arm64-cpu': {
    tags: ['manylinux_2_27_aarch64'],
    libraries: LINUX_LIBRARIES,
    wheels: [
      wheel(
        'tensorflow',
        TENSORFLOW_VERSION,
        281_828_020,
        '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
      ),
    ],
  },
  'darwin-arm64-cpu': {
    tags: ['macosx_12_0_arm64'],
    libraries: MAC_LIBRARIES,
    wheels: [
      wheel(
        'tensorflow',
        TENSORFLOW_VERSION,
        223_405_849,
        '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
      ),
    ],
  },
};
