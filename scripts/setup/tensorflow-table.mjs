/**
 * Which published files TensorFlow is taken from, each pinned by version, size and SHA-256, for each platform and variant.
 *
 * The wheels are made for CPython 3.11, but only their shared libraries and C headers are used, so any Python with pip can fetch them.
 * The CUDA packages are those that `tensorflow[and-cuda]` names, as pip resolved them.
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

/** @param {string[]} lines each "name version bytes sha256" @returns {Wheel[]} */
function wheels(...lines) {
  return lines.map((line) => {
    const [name = '', version = '', bytes = '', sha256 = ''] = line.split(' ');
    return { name, version, bytes: Number(bytes), sha256 };
  });
}

/** @type {Readonly<Record<string, Variant>>} by platform and variant */
export const VARIANTS = {
  'linux-x64-cpu': {
    tags: ['manylinux_2_27_x86_64'],
    libraries: LINUX_LIBRARIES,
    wheels: wheels(
      'tensorflow-cpu 2.21.0 273829956 2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    ),
  },
  'linux-arm64-cpu': {
    tags: ['manylinux_2_27_aarch64'],
    libraries: LINUX_LIBRARIES,
    wheels: wheels(
      'tensorflow 2.21.0 281828020 4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    ),
  },
  'darwin-arm64-cpu': {
    tags: ['macosx_12_0_arm64'],
    libraries: MAC_LIBRARIES,
    wheels: wheels(
      'tensorflow 2.21.0 223405849 51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
    ),
  },
  'linux-x64-gpu': {
    tags: ['manylinux_2_27_x86_64', 'manylinux_2_25_x86_64', 'manylinux2014_x86_64', 'manylinux_2_12_x86_64'],
    libraries: LINUX_LIBRARIES,
    wheels: wheels(
      'tensorflow 2.21.0 572440367 9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
      'nvidia-cublas-cu12 12.9.3.13 581217458 d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      'nvidia-cuda-cupti-cu12 12.9.79 10814997 096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
      'nvidia-cuda-nvcc-cu12 12.9.86 40546229 5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      'nvidia-cuda-nvrtc-cu12 12.9.86 89568129 210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      'nvidia-cuda-runtime-cu12 12.9.79 3493179 25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      'nvidia-cudnn-cu12 9.28.0.42 716538495 9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      'nvidia-cufft-cu12 11.4.1.4 200877592 c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      'nvidia-curand-cu12 10.3.10.19 68295626 49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      'nvidia-cusolver-cu12 11.7.5.82 338117415 15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      'nvidia-cusparse-cu12 12.5.10.65 366465088 73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      'nvidia-nccl-cu12 2.32.3 351526311 bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
      'nvidia-nvjitlink-cu12 12.9.86 39748338 e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    ),
  },
};
