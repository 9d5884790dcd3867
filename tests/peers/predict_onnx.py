"""Times ONNX Runtime on a model for many rows: tests/benchmarks/bulk.rs calls it.

    python predict_onnx.py MODEL X MEAN INPUTS THREADS

X has all rows and MEAN the expected output `mean` of the first of them, as raw single-precision numbers. Prints the
seconds for all rows in blocks of the size that is fastest on a part of them, and the largest difference from MEAN over
the largest of MEAN.
"""

import sys
import time

import numpy as np
import onnxruntime

model, x, mean, inputs, threads = sys.argv[1:]
x = np.fromfile(x, np.float32).reshape(-1, int(inputs))
mean = np.fromfile(mean, np.float32)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name


def seconds(rows, block):
    start = time.perf_counter()
    for first in range(0, len(rows), block):
        session.run(None, {name: rows[first : first + block]})
    return time.perf_counter() - start


outputs = [output.name for output in session.get_outputs()]
compared = x[: max(1, mean.size // (session.run(None, {name: x[:1]})[outputs.index("mean")].size))]
found = session.run(["mean"], {name: compared})[0].reshape(-1)
difference = np.abs(found - mean).max() / np.abs(mean).max()
assert difference < 1e-4, f"the means differ by {difference}"
part = x[: max(len(x) // 20, 1)]
seconds(part, 1024)
block = min([64, 256, 1024, 4096, 16384], key=lambda block: seconds(part, block))
print(f"{seconds(x, block):.3f} s in blocks of {block}, outputs {', '.join(outputs)}, difference {difference:.1e}")
