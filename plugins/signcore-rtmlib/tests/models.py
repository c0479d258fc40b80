"""Small ONNX models with the inputs and outputs of the real ones, so that rtmlib's own code runs."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIZE = (128, 96)  # height and width of the pose model's input
MEAN, STD = 116.28, 57.12  # rtmlib normalises pictures before the model sees them


def _model(nodes, constants, inputs, outputs, path):
    values = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "small", [inputs], outputs, values)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def pose(path, keypoints=133, size=SIZE):
    """Every keypoint is at the brightest column and row; keypoint k is sure by how bright they are and by 1 - k / 400."""
    height, width = size
    sure = (1 - np.arange(keypoints, dtype=np.float32) / 400)[None, :, None]
    nodes = [
        helper.make_node("Mul", ["picture", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["bright"]),  # 0..255 again
        helper.make_node("Div", ["bright", "most"], ["grey"]),
    ]
    constants = {"std": np.float32(STD), "mean": np.float32(MEAN), "most": np.float32(255), "sure": sure}
    for axis, name, length in ((2, "x", width), (3, "y", height)):
        constants[f"{name}_shape"] = np.array([1, 1, length, 1], np.int64)
        constants[f"{name}_twice"] = np.array([1, 1, length, 2], np.int64)
        constants[f"{name}_flat"] = np.array([1, 1, 2 * length], np.int64)
        nodes += [
            helper.make_node("ReduceMean", ["grey"], [f"{name}_line"], axes=[1, axis], keepdims=0),
            helper.make_node("Reshape", [f"{name}_line", f"{name}_shape"], [f"{name}_column"]),
            helper.make_node("Expand", [f"{name}_column", f"{name}_twice"], [f"{name}_pairs"]),
            helper.make_node(
                "Reshape", [f"{name}_pairs", f"{name}_flat"], [f"{name}_fine"]
            ),  # two bins a pixel
            helper.make_node("Mul", [f"{name}_fine", "sure"], [f"simcc_{name}"]),
        ]
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, height, width])
    outputs = [
        helper.make_tensor_value_info(f"simcc_{n}", TensorProto.FLOAT, [1, keypoints, 2 * s])
        for n, s in (("x", width), ("y", height))
    ]
    _model(nodes, constants, picture, outputs, path)
    return path


def detector(path, boxes, side=64):
    """People at boxes (x0, y0, x1, y1 in parts of the picture's longer side), as sure as the brightest pixel."""
    rows = np.array([[*(side * v for v in box), 1.0] for box in boxes], np.float32)[None]
    only_score = np.array([0, 0, 0, 0, 1], np.float32)
    nodes = [
        helper.make_node("ReduceMax", ["picture"], ["top"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Div", ["top", "most"], ["grey"]),
        helper.make_node("Sub", ["grey", "one"], ["less"]),
        helper.make_node("Mul", ["less", "only_score"], ["change"]),  # the scores become `grey`, boxes stay
        helper.make_node("Add", ["rows", "change"], ["dets"]),
    ]
    constants = {"most": np.float32(255), "one": np.float32(1), "only_score": only_score, "rows": rows}
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])
    out = helper.make_tensor_value_info("dets", TensorProto.FLOAT, [1, len(boxes), 5])
    _model(nodes, constants, picture, [out], path)
    return path


def classes(path, side=64):
    """A detector that was exported without suppression, 80 classes: one person left, and a larger dog (class 16) right."""
    cells = sum((side // s) ** 2 for s in (8, 16, 32))
    rows = np.zeros((1, cells, 85), np.float32)
    rows[..., 4] = 0.0
    grid = np.array([(x, y, s) for s in (8, 16, 32) for y in range(side // s) for x in range(side // s)])
    for i, (centre, extent, kind) in enumerate((((16, 32), (20, 40), 0), ((46, 32), (34, 60), 16))):
        x, y, stride = grid[i]
        rows[0, i, :4] = [centre[0] / stride - x, centre[1] / stride - y, *np.log(np.array(extent) / stride)]
        rows[0, i, [4, 5 + kind]] = 1
    nodes = [
        helper.make_node("ReduceMax", ["picture"], ["top"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Reshape", ["top", "flat"], ["low"]),
        helper.make_node("Mul", ["low", "nothing"], ["zero"]),
        helper.make_node("Add", ["rows", "zero"], ["output"]),
    ]
    constants = {"flat": np.array([1, 1, 1], np.int64), "nothing": np.float32(0), "rows": rows}
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])
    out = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, cells, 85])
    _model(nodes, constants, picture, [out], path)
    return path
