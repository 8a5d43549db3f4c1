"""The product of a matrix with a vector, as NumPy computes it. Reads how often from stdin, a line each time, and says the seconds."""

import json
import sys
import time

import numpy

rows, columns = int(sys.argv[1]), int(sys.argv[2])
random = numpy.random.default_rng(1)
matrix = random.standard_normal((rows, columns), dtype=numpy.float32)
vector = random.standard_normal(columns, dtype=numpy.float32)

for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        began = time.perf_counter()
        matrix @ vector
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds), flush=True)
