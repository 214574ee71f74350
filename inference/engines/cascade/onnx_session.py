"""ONNX Runtime as the cascade uses it: on CPU, one thread, reporting to nobody."""

import os

# ONNX Runtime reports to Microsoft, from release 1.29 on and unless it is told not to
# before it is loaded: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

SILENT = 4
"""ONNX Runtime's level of logging that tells fatal errors only; the others it raises too."""


def onnx_session(path: str) -> onnxruntime.InferenceSession:
    """The model in a file; raises ONNX Runtime's own exceptions, which have no common base."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
