import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backboneWeightsFile, cacheFolder } from '../../core/cache.ts';

test('The cache is where KINDRED_CACHE says, before anything else', () => {
  const environment = { KINDRED_CACHE: '/big/disk', XDG_CACHE_HOME: '/xdg' };

  assert.equal(cacheFolder(environment, '/home/ada', 'linux'), '/big/disk');
});

test('XDG_CACHE_HOME counts when it is an absolute path', () => {
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/xdg' }, '/home/ada', 'linux'), '/xdg/kindred');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: 'xdg' }, '/home/ada', 'linux'), '/home/ada/.cache/kindred');
  assert.equal(
    cacheFolder({ XDG_CACHE_HOME: '', KINDRED_CACHE: '' }, '/home/ada', 'linux'),
    '/home/ada/.cache/kindred',
  );
});

test('Without a variable the cache is in the usual place of the platform', () => {
  assert.equal(cacheFolder({}, '/home/ada', 'linux'), '/home/ada/.cache/kindred');
  assert.equal(cacheFolder({}, '/Users/ada', 'darwin'), '/Users/ada/Library/Caches/kindred');
});

test('The weights have a place in the cache that names their version', () => {
  assert.equal(backboneWeightsFile('/c'), '/c/weights/resnet50-imagenet-1.0.4.safetensors');
});
