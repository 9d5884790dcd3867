"""Checks ONNX models and runs them in ONNX Runtime and in ONNX's reference evaluator: tests/src/onnx/engines.rs calls it.

usage: run_onnx.py FOLDER. Each line of FOLDER/list has INDEX, rows and name; INDEX.onnx is the model and INDEX.x are its
rows in single precision. Writes INDEX.runtime.OUTPUT and INDEX.reference.OUTPUT, truth values as 0 and 1.
"""

import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator


def checked(path: Path) -> onnx.ModelProto:
    """The model, which the checker passes, and whose outputs have the shapes that inference finds for them."""
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    found = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    for declared, inferred in zip(model.graph.output, found.graph.output):
        # Inference need not see that a reshaped batch is the batch that came in: known sizes are compared.
        pairs = list(zip(sizes(declared), sizes(inferred), strict=True))
        assert all(0 in pair or pair[0] == pair[1] for pair in pairs), f"{declared.name}: {pairs}"
    return model


def sizes(output: onnx.ValueInfoProto) -> list[int]:
    """The length of every axis, 0 where it is free."""
    return [dim.dim_value for dim in output.type.tensor_type.shape.dim]


def run(folder: Path, index: str, rows: int) -> None:
    path = folder / f"{index}.onnx"
    model = checked(path)
    x = numpy.fromfile(folder / f"{index}.x", dtype="<f4").reshape(rows, -1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    engines = {"runtime": session.run, "reference": ReferenceEvaluator(model).run}
    for engine, evaluate in engines.items():
        for output, values in zip(model.graph.output, evaluate(None, {"x": x})):
            shape = [rows, *sizes(output)[1:]]
            assert list(values.shape) == shape, f"{engine}, {output.name}: shape {values.shape}, {shape} is declared"
            values.astype("<f4").tofile(folder / f"{index}.{engine}.{output.name}")


def main() -> None:
    folder = Path(sys.argv[1])
    numpy.seterr(all="ignore")
    for line in (folder / "list").read_text().splitlines():
        index, rows, name = line.split(" ", 2)
        try:
            run(folder, index, int(rows))
        except Exception as problem:
            sys.exit(f"{name}: {problem}")


main()
