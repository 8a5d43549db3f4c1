import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gpuProblems } from '../../../cli/doctor/gpu.ts';

describe('a GPU that is not used', () => {
  it('is told when TensorFlow for GPUs sees none', () => {
    const [problem, ...more] = gpuProblems({ variant: 'gpu', used: false, driver: '570.1' });
    assert.deepEqual(more, []);
    assert.match(problem?.what ?? '', /no GPU is visible/);
    assert.match(problem?.advice ?? '', /nvidia-smi.*setup -- --cpu/);
    assert.equal(problem?.needed, false, 'it computes all the same');
  });

  it('is told when there is one and TensorFlow is the one for processors', () => {
    const [problem] = gpuProblems({ variant: 'cpu', used: false, driver: '570.1' });
    assert.match(problem?.advice ?? '', /setup -- --gpu/);
  });

  it('is no problem where there is none, or where it is used', () => {
    assert.deepEqual(gpuProblems({ variant: 'cpu', used: false, driver: null }), []);
    assert.deepEqual(gpuProblems({ variant: null, used: false, driver: null }), []);
    assert.deepEqual(gpuProblems({ variant: 'gpu', used: true, driver: '570.1' }), []);
  });
});
