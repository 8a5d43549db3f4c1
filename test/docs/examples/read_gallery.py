import sys

import pyarrow as pa

with pa.OSFile(sys.argv[1]) as file:
    gallery = pa.ipc.open_file(file).read_all()

for count in gallery["class"].value_counts().to_pylist():
    print(count["values"], count["counts"])
first = gallery.slice(0, 1).to_pylist()[0]
print(first["key"], first["sha256"][:12], len(first["embedding"]), "numbers")
