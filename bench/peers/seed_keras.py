"""The seed's procedure as a Keras program: mine close-distance triplets, then train the siamese network with fit().

Written after the seed's description in the manner of the Keras siamese example (GradientTape in a custom train_step,
three passes of the whole network a step, pictures decoded by tf.data each time they are needed). One thing is put right:
pixels are 0..255 when the backbone's mean is subtracted, not 0..1; the work is the same.
"""

import argparse
import os
import time

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
started = time.perf_counter()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from keras.applications import resnet  # noqa: E402

from common import hashed_kernel, list_pictures, peak_bytes, read_safetensors, report  # noqa: E402


def read_picture(path, size):
    picture = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    picture.set_shape([None, None, 3])
    return tf.image.resize(tf.cast(picture, tf.float32), (size, size))


def build_embedding(weights_file, size):
    """ResNet50 without top, Flatten head, trainable from conv5_block1_out on: 60,510,720 weights train, 14,657,920 do not."""
    base = resnet.ResNet50(weights=None, include_top=False, input_shape=(size, size, 3))
    weights = read_safetensors(weights_file)
    for layer in base.layers:
        for variable in layer.weights:
            variable.assign(weights[f'{layer.name}/{variable.name}'])
    x = layers.Flatten()(base.output)
    dense = []
    for units, seed in ((512, 1), (256, 2), (256, 3)):
        last = seed == 3
        dense.append((layers.Dense(units, activation=None if last else 'relu'), x.shape[-1], units, seed))
        x = dense[-1][0](x)
        x = x if last else layers.BatchNormalization()(x)
    for layer, inputs, units, seed in dense:
        layer.kernel.assign(hashed_kernel(inputs, units, seed))
    trainable = False
    for layer in base.layers:
        trainable = trainable or layer.name == 'conv5_block1_out'
        layer.trainable = trainable
    return keras.Model(base.input, x, name='embedding')


def squared_distance(a, b):
    return tf.reduce_sum(tf.square(a - b), -1)


class DistanceLayer(layers.Layer):
    def call(self, anchor, positive, negative):
        return squared_distance(anchor, positive), squared_distance(anchor, negative)


class SiameseModel(keras.Model):
    def __init__(self, embedding, size, margin):
        super().__init__()
        inputs = [keras.Input((size, size, 3), name=name) for name in ('anchor', 'positive', 'negative')]
        embedded = [embedding(resnet.preprocess_input(one)) for one in inputs]
        self.network = keras.Model(inputs, DistanceLayer()(*embedded))
        self.margin = margin
        self.loss_tracker = keras.metrics.Mean(name='loss')

    def call(self, inputs):
        return self.network(inputs)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            positive, negative = self.network(data)
            loss = tf.maximum(positive - negative + self.margin, 0.0)
        gradients = tape.gradient(loss, self.network.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_weights))
        self.loss_tracker.update_state(loss)
        return {'loss': self.loss_tracker.result()}

    @property
    def metrics(self):
        return [self.loss_tracker]


class StepTimes(keras.callbacks.Callback):
    """Seconds of each step; the first one holds the tracing of the graph too."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


def mine(embedding, pictures, size):
    """Every pair of a class in order, and the picture of another class whose distance is closest to the pair's."""
    embedded = [embedding(resnet.preprocess_input(read_picture(path, size)[None]))[0] for _, path in pictures]
    triplets = []
    for a, (name, _) in enumerate(pictures):
        others = [i for i, (other, _) in enumerate(pictures) if other != name]
        for p in range(a + 1, len(pictures)):
            if pictures[p][0] != name:
                continue
            target = squared_distance(embedded[a], embedded[p])
            gaps = [float(abs(squared_distance(embedded[a], embedded[n]) - target)) for n in others]
            triplets.append((a, p, others[gaps.index(min(gaps))]))
    return triplets


def batches(triplets, pictures, size, batch):
    """(anchor, positive, negative) pictures, decoded when they are needed."""
    columns = [tf.data.Dataset.from_tensor_slices([pictures[t[k]][1] for t in triplets]) for k in range(3)]
    data = tf.data.Dataset.zip(tuple(columns)).shuffle(1024, seed=1)
    data = data.map(lambda *paths: tuple(read_picture(path, size) for path in paths))
    return data.batch(batch).prefetch(8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--data', required=True)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--size', type=int, default=200)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--margin', type=float, default=0.5)
    parser.add_argument('--learning-rate', type=float, default=1e-6)
    parser.add_argument('--steps', type=int, help='stop the epoch early, to try things out')
    options = parser.parse_args()

    pictures = list_pictures(options.data)
    embedding = build_embedding(options.weights, options.size)
    loaded = time.perf_counter()
    triplets = mine(embedding, pictures, options.size)
    mined = time.perf_counter()
    mining_peak = peak_bytes()
    model = SiameseModel(embedding, options.size, options.margin)
    model.compile(optimizer=keras.optimizers.Adam(options.learning_rate))
    data = batches(triplets, pictures, options.size, options.batch)
    if options.steps:
        data = data.take(options.steps)
    times = StepTimes()
    history = model.fit(data, epochs=1, verbose=0, callbacks=[times])
    trained = time.perf_counter()
    report({
        'peer': 'seed-keras',
        'versions': {'tensorflow': tf.__version__, 'keras': keras.__version__},
        'pictures': len(pictures),
        'trainableWeights': sum(w.shape.num_elements() for w in embedding.trainable_weights),
        'otherWeights': sum(w.shape.num_elements() for w in embedding.non_trainable_weights),
        'triplets': len(triplets),
        'steps': int(model.optimizer.iterations.numpy()),
        'loss': float(history.history['loss'][0]),
        'loadSeconds': loaded - started,
        'miningSeconds': mined - loaded,
        'epochSeconds': trained - mined,
        'stepSeconds': times.seconds,
        'miningPeakBytes': mining_peak,
        'peakBytes': peak_bytes(),
    })


if __name__ == '__main__':
    main()
