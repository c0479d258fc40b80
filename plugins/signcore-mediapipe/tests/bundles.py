"""Real .task models, put together from the models inside MediaPipe's wheel (up to 0.10.21)."""

import zipfile
from pathlib import Path

import mediapipe
from mediapipe.tasks.metadata import schema_py_generated as schema
from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

MODELS = Path(mediapipe.__file__).parent / "modules"
POSE = {
    "pose_detector.tflite": "pose_detection/pose_detection.tflite",
    "pose_landmarks_detector.tflite": "pose_landmark/pose_landmark_full.tflite",
}
HANDS = {
    "hand_detector.tflite": "palm_detection/palm_detection_full.tflite",
    "hand_landmarks_detector.tflite": "hand_landmark/hand_landmark_full.tflite",
}
HOLISTIC = POSE | {
    "face_detector.tflite": "face_detection/face_detection_short_range.tflite",
    "face_landmarks_detector.tflite": "face_landmark/face_landmark.tflite",
    "hand_roi_refinement.tflite": "holistic_landmark/hand_recrop.tflite",
    "hand_landmarks_detector.tflite": "hand_landmark/hand_landmark_full.tflite",
}
BARE = ("pose_landmark_full.tflite", "hand_recrop.tflite")  # without the metadata that tasks ask for


def bundle(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, file in files.items():
            model = (MODELS / file).read_bytes()
            archive.writestr(name, _described(model) if file.endswith(BARE) else model)
    return path


def _described(model):
    """With the metadata: pictures are scaled from 0..255 to 0..1."""
    outputs = schema.Model.GetRootAsModel(model, 0).Subgraphs(0).OutputsLength()
    writer = MetadataWriter.create(bytearray(model)).add_general_info("model").add_image_input([0.0], [255.0])
    for i in range(outputs):
        writer.add_feature_output(name=f"output_{i}")
    return bytes(writer.populate()[0])
