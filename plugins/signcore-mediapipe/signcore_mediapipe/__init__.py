"""MediaPipe as a pose estimator of signcore; importing it imports no mediapipe."""
