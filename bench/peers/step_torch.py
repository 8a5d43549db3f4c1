"""PyTorch's training step of the same network from cached conv5_block1_out maps, as fast as we know how to make it.

conv5_block2, conv5_block3 and the head (Flatten > 512 > 256 > 256, or the pooled map, L2-normalised). Every weight trains,
convolution biases, gamma and beta included; batch normalisation uses its moving statistics. channels-last, fused Adam.
Ways to run it: `eager` (batch_norm as an operation), `folded` (gamma and beta folded into the convolution inside the
gradient, which is fewer passes over the maps), and either one through torch.compile.
"""

import argparse
import json
import time

import numpy as np
import torch
import torch.nn.functional as F

from common import hashed_kernel, peak_bytes, read_safetensors, report

CONV_EPSILON, HEAD_EPSILON = 1.001e-5, 1e-3
CHANNELS, POSITIONS = 2048, 49


class Normalized(torch.nn.Module):
    """Batch normalisation in inference mode whose gamma and beta train."""

    def __init__(self, size, epsilon, values=None):
        super().__init__()
        values = values or {'gamma': np.ones, 'beta': np.zeros, 'moving_mean': np.zeros, 'moving_variance': np.ones}
        get = lambda name: torch.from_numpy(np.array(v(size, np.float32) if callable(v := values[name]) else v))
        self.gamma, self.beta = (torch.nn.Parameter(get(name)) for name in ('gamma', 'beta'))
        self.register_buffer('mean', get('moving_mean'))
        self.register_buffer('variance', get('moving_variance'))
        self.epsilon = epsilon

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.variance, self.gamma, self.beta, False, 0.0, self.epsilon)


class ConvBlock(torch.nn.Module):
    """1x1, 3x3, 1x1 convolutions with batch normalisation, added to their input."""

    def __init__(self, weights, prefix, folded):
        super().__init__()
        self.folded = folded
        self.kernels, self.biases, self.norms = torch.nn.ParameterList(), torch.nn.ParameterList(), torch.nn.ModuleList()
        for i in (1, 2, 3):
            kernel = torch.from_numpy(weights[f'{prefix}_{i}_conv/kernel'].transpose(3, 2, 0, 1).copy())
            self.kernels.append(torch.nn.Parameter(kernel.contiguous(memory_format=torch.channels_last)))
            self.biases.append(torch.nn.Parameter(torch.from_numpy(weights[f'{prefix}_{i}_conv/bias'].copy())))
            names = ('gamma', 'beta', 'moving_mean', 'moving_variance')
            values = {name: weights[f'{prefix}_{i}_bn/{name}'] for name in names}
            self.norms.append(Normalized(kernel.shape[0], CONV_EPSILON, values))

    def convolve(self, x, i):
        kernel, bias, norm = self.kernels[i], self.biases[i], self.norms[i]
        padding = kernel.shape[-1] // 2
        if not self.folded:
            return norm(F.conv2d(x, kernel, bias, padding=padding))
        scale = norm.gamma * torch.rsqrt(norm.variance + norm.epsilon)
        offset = (bias - norm.mean) * scale + norm.beta
        return F.conv2d(x, kernel * scale[:, None, None, None], offset, padding=padding)

    def forward(self, x):
        y = F.relu(self.convolve(x, 0), inplace=True)
        y = F.relu(self.convolve(y, 1), inplace=True)
        return F.relu(self.convolve(y, 2) + x, inplace=True)


def linear(inputs, outputs, seed):
    layer = torch.nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(hashed_kernel(inputs, outputs, seed)).T)
        layer.bias.zero_()
    return layer


class Network(torch.nn.Module):
    """[N, 2048, 7, 7] channels-last -> [N, 256] (flatten) or [N, 2048] (pooled)."""

    def __init__(self, weights, head, folded):
        super().__init__()
        self.blocks = torch.nn.Sequential(*(ConvBlock(weights, f'conv5_block{b}', folded) for b in (2, 3)))
        self.head = None
        if head == 'flatten':
            self.head = torch.nn.Sequential(
                linear(CHANNELS * POSITIONS, 512, 1), torch.nn.ReLU(inplace=True), Normalized(512, HEAD_EPSILON),
                linear(512, 256, 2), torch.nn.ReLU(inplace=True), Normalized(256, HEAD_EPSILON),
                linear(256, 256, 3),
            )  # fmt: skip

    def forward(self, x):
        y = self.blocks(x)
        if self.head is None:
            return F.normalize(y.mean((2, 3)))
        return self.head(y.permute(0, 2, 3, 1).flatten(1))


def triplet_loss(embedded, anchors, positives, negatives, margin):
    near = (embedded[anchors] - embedded[positives]).square().sum(1)
    far = (embedded[anchors] - embedded[negatives]).square().sum(1)
    return F.relu(near - far + margin).sum()


def measure(options, weights, features, plan):
    """Seconds of each step after the warm-up, and every step's loss."""
    network = Network(weights, options.head, options.way.startswith('folded')).to(options.device)
    features = features.to(options.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate, eps=1e-7, fused=True)
    forward = torch.compile(network) if options.way.endswith('compiled') else network
    batches = [
        tuple(torch.tensor(column, device=options.device) for column in (batch['rows'], *zip(*batch['triplets'])))
        for batch in plan['batches']
    ]
    seconds, losses = [], []
    for step in range(options.warmup + options.steps):
        started = time.perf_counter()
        rows, *triplets = batches[step % len(batches)]
        x = features[rows].permute(0, 3, 1, 2)
        loss = triplet_loss(forward(x), *triplets, plan['margin'])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - started)
    return network, seconds[options.warmup :], losses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--weights', required=True, help='safetensors of the backbone')
    parser.add_argument('--features', required=True, help='.npy, float32 [pictures, 7, 7, 2048]')
    parser.add_argument('--plan', required=True, help='JSON: {margin, batches: [{rows, triplets: [[a, p, n]]}]}')
    parser.add_argument('--head', choices=('flatten', 'pooled'), default='flatten')
    ways = ('eager', 'folded', 'eager-compiled', 'folded-compiled')
    parser.add_argument('--way', choices=ways, default='eager')
    parser.add_argument('--steps', type=int, default=8)
    parser.add_argument('--warmup', type=int, default=2)
    parser.add_argument('--threads', type=int, help='default: as torch does, one a core')
    parser.add_argument('--device', default='cpu', help='"cuda": on a GPU, with TF32, as TensorFlow does by itself')
    parser.add_argument('--learning-rate', type=float, default=1e-6)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True

    weights = read_safetensors(options.weights, lambda name: name.startswith(('conv5_block2', 'conv5_block3')))
    with open(options.plan, encoding='utf8') as file:
        plan = json.load(file)
    features = torch.from_numpy(np.load(options.features))
    network, seconds, losses = measure(options, weights, features, plan)
    report({
        'peer': 'step-torch',
        'versions': {'torch': torch.__version__, 'device': options.device},
        'head': options.head,
        'way': options.way,
        'threads': torch.get_num_threads(),
        'pictures': len(plan['batches'][0]['rows']),
        'trainableWeights': sum(p.numel() for p in network.parameters()),
        'secondsPerStep': float(np.median(seconds)),
        'seconds': seconds,
        'losses': losses,
        'peakBytes': peak_bytes(),
    })


if __name__ == '__main__':
    main()
