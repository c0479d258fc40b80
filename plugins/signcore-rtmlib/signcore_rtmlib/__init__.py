"""RTMW and DWPose as pose estimators of signcore; importing it imports no rtmlib."""
