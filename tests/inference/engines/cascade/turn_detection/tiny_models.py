"""End-of-turn models in real ONNX files, small enough to know what they must answer."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

Input = tuple[str, int, Sequence[int | str]]
"""Name, element type and shape."""

FEATURES: Input = ("input_features", TensorProto.FLOAT, ["batch", 80, 800])
VALUES: Input = ("input_values", TensorProto.FLOAT, ["batch", "samples"])
MASK: Input = ("attention_mask", TensorProto.INT64, ["batch", "samples"])


def _save(
    path: Path, inputs: Sequence[Input], nodes: Sequence[onnx.NodeProto], shape: Sequence[int | str]
) -> str:
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)]
    constants = [
        helper.make_tensor("steepness", TensorProto.FLOAT, [], [12.0]),
        helper.make_tensor("quiet", TensorProto.FLOAT, [], [1.5]),
        helper.make_tensor("last_frames", TensorProto.INT64, [1], [-15]),
        helper.make_tensor("whole", TensorProto.INT64, [1], [2**62]),
        helper.make_tensor("time", TensorProto.INT64, [1], [2]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*given) for given in inputs],
        outputs,
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))
    return str(path)


def loudness_at_the_end(path: Path) -> str:
    """A model of log-mel frames: sure of a turn's end where its last 150 ms are silent."""
    nodes = [
        helper.make_node("Slice", ["input_features", "last_frames", "whole", "time"], ["last"]),
        helper.make_node("ReduceMean", ["last"], ["loudness"], keepdims=0),
        helper.make_node("ReduceMax", ["input_features"], ["loudest"], keepdims=0),
        helper.make_node("Sub", ["loudest", "loudness"], ["quieter"]),
        helper.make_node("Sub", ["quieter", "quiet"], ["beyond"]),
        helper.make_node("Mul", ["beyond", "steepness"], ["scaled"]),
        helper.make_node("Sigmoid", ["scaled"], ["logits"]),
    ]
    return _save(path, [FEATURES], nodes, [])


def share_of_sound(path: Path) -> str:
    """A model of samples: answers with how much of its input is not masked."""
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["input_values", "mask"], ["heard"]),
        helper.make_node("Sub", ["heard", "input_values"], ["nothing"]),
        helper.make_node("Add", ["mask", "nothing"], ["sum"]),
        helper.make_node("ReduceMean", ["sum"], ["mean"], keepdims=0),
        helper.make_node("Clip", ["mean"], ["logits"]),
    ]
    return _save(path, [VALUES, MASK], nodes, [])


def mean_of(path: Path, *inputs: Input) -> str:
    """A model that answers with the mean of its first input, which is no likelihood."""
    nodes = [helper.make_node("ReduceMean", [inputs[0][0]], ["logits"], keepdims=1)]
    return _save(path, inputs, nodes, ["a"] * len(inputs[0][2]))
