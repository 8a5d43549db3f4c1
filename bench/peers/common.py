"""What both peers share: pinned weights, the parity kernels, the pictures, the machine's peak memory."""

import json
import mmap
import os
import resource
import sys

import numpy as np

PICTURES = ('.jpg', '.jpeg', '.png', '.bmp', '.gif')
GOLDEN = 0x9E3779B9


def read_safetensors(path, wanted=lambda name: True):
    """Tensors by name from a safetensors file; only those asked for are copied."""
    with open(path, 'rb') as file:
        size = int.from_bytes(file.read(8), 'little')
        header = json.loads(file.read(size))
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    tensors = {}
    for name, entry in header.items():
        if name == '__metadata__' or not wanted(name):
            continue
        if entry['dtype'] != 'F32':
            raise ValueError(f'{path}: {name} is {entry["dtype"]}, expected F32')
        start, end = (8 + size + offset for offset in entry['data_offsets'])
        tensors[name] = np.frombuffer(data[start:end], np.float32).reshape(entry['shape'])
    return tensors


def hashed_kernel(inputs, outputs, seed, chunk=1 << 20):
    """A Dense kernel [inputs, outputs] from a hash of its flat index, so that all sides start alike."""
    kernel = np.empty(inputs * outputs, np.float32)
    scale = np.sqrt(6 / (inputs + outputs))
    for start in range(0, kernel.size, chunk):
        stop = min(start + chunk, kernel.size)
        h = np.arange(start, stop, dtype=np.uint32) + np.uint32(seed * GOLDEN & 0xFFFFFFFF)
        h ^= h >> 16
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> 13
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> 16
        kernel[start:stop] = (h / 2**32 * 2 - 1) * scale
    return kernel.reshape(inputs, outputs)


def list_pictures(folder):
    """[(class, path)] of FOLDER/<class>/<file>, classes and files in order."""
    pictures = []
    for name in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            if file.lower().endswith(PICTURES):
                pictures.append((name, os.path.join(folder, name, file)))
    return pictures


def peak_bytes():
    """Peak resident memory of this process; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


def report(result):
    """The one line on stdout that the bench reads."""
    print(json.dumps(result), flush=True)
