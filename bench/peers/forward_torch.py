"""PyTorch's pass forward of ResNet50 without its top, as fast as we know how to make it: normalisation folded, channels-last."""

import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F

from common import peak_bytes, read_safetensors, report

EPSILON = 1.001e-5
MEAN_BGR = (103.939, 116.779, 123.68)
STAGES = ((2, 3), (3, 4), (4, 6), (5, 3))


def folded(weights, name, device):
    """Kernel and bias of a convolution with its normalisation inside."""
    get = lambda part: torch.from_numpy(weights[part].copy())
    norm = {part: get(f'{name}_bn/{part}') for part in ('gamma', 'beta', 'moving_mean', 'moving_variance')}
    scale = norm['gamma'] / torch.sqrt(norm['moving_variance'] + EPSILON)
    kernel = get(f'{name}_conv/kernel').permute(3, 2, 0, 1) * scale[:, None, None, None]
    bias = (get(f'{name}_conv/bias') - norm['moving_mean']) * scale + norm['beta']
    return kernel.contiguous(memory_format=torch.channels_last).to(device), bias.to(device)


class Backbone:
    """[N, 3, H, W] RGB 0..255, channels-last -> [N, 2048], the mean of the last map."""

    def __init__(self, weights, device):
        names = {name.rsplit('_', 1)[0] for name in weights if name.endswith('_conv/kernel')}
        self.layers = {name: folded(weights, name, device) for name in sorted(names)}
        self.mean = torch.tensor(MEAN_BGR, device=device)[None, :, None, None]

    def convolve(self, name, x, stride=1, padding=0):
        kernel, bias = self.layers[name]
        return F.conv2d(x, kernel, bias, stride, padding)

    def __call__(self, pixels):
        x = pixels.flip(1) - self.mean
        x = F.relu(self.convolve('conv1', x, 2, 3), inplace=True)
        x = F.max_pool2d(x, 3, 2, 1)
        for stage, blocks in STAGES:
            for block in range(1, blocks + 1):
                stride = 2 if block == 1 and stage > 2 else 1
                x = self.block(f'conv{stage}_block{block}', x, stride, block == 1)
        return x.mean((2, 3))

    def block(self, name, x, stride, projects):
        y = F.relu(self.convolve(f'{name}_1', x, stride), inplace=True)
        y = F.relu(self.convolve(f'{name}_2', y, 1, 1), inplace=True)
        shortcut = self.convolve(f'{name}_0', x, stride) if projects else x
        return F.relu(self.convolve(f'{name}_3', y) + shortcut, inplace=True)


def hashed_pixels(batch, size):
    """The pixels of bench/kindred-forward.ts."""
    index = np.arange(batch * size * size * 3, dtype=np.uint32) * np.uint32(2654435761)
    return (index >> np.uint32(24)).astype(np.float32).reshape(batch, size, size, 3)


@torch.inference_mode()
def measure(options, network):
    pixels = torch.from_numpy(hashed_pixels(options.batch, options.size))
    seconds, norm = [], 0.0
    for step in range(options.warmup + options.steps):
        started = time.perf_counter()
        x = pixels.to(options.device).permute(0, 3, 1, 2)
        features = network(x).cpu()
        seconds.append(time.perf_counter() - started)
        norm = float(features.norm())
    return seconds[options.warmup :], norm


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--weights', required=True, help='safetensors of the backbone')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, default=200)
    parser.add_argument('--steps', type=int, default=8)
    parser.add_argument('--warmup', type=int, default=2)
    parser.add_argument('--device', default='cpu')
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    # As TensorFlow does by itself.
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    seconds, norm = measure(options, Backbone(read_safetensors(options.weights), options.device))
    versions = {'torch': torch.__version__, 'device': options.device}
    report({'peer': 'forward-torch', 'versions': versions, 'seconds': seconds, 'norm': norm, 'peakBytes': peak_bytes()})


if __name__ == '__main__':
    main()
