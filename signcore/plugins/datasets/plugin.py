from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="dataset",
            name="video-folder",
            summary="Videos in a folder (or one file) with the .pose beside each, or an estimator's.",
            target="signcore.plugins.datasets.video_folder:VideoFolder",
            config="signcore.plugins.datasets.config:VideoFolderConfig",
        ),
        Component(
            kind="dataset",
            name="lsa64",
            summary="LSA64's videos: 64 Argentinian signs of 10 signers; signs 57 to 64 are held out.",
            target="signcore.plugins.datasets.video_folder:LSA64",
            config="signcore.plugins.datasets.config:LSA64Config",
        ),
        Component(
            kind="dataset",
            name="pose-table",
            summary="Poses named by a table, with notation, glosses, signer, language and split.",
            target="signcore.plugins.datasets.pose_files:PoseTable",
            config="signcore.plugins.datasets.config:PoseTableConfig",
        ),
        Component(
            kind="dataset",
            name="tracks-table",
            summary="Tracks, poses and videos named by a table, with glosses, signer, language and split.",
            target="signcore.plugins.datasets.tracks_table:TracksTable",
            config="signcore.plugins.datasets.config:TracksTableConfig",
        ),
        Component(
            kind="dataset",
            name="keypoint-arrays",
            summary="Keypoints in an .npz or in .npy files, with labels and signers.",
            target="signcore.plugins.datasets.keypoint_arrays:KeypointArrays",
            config="signcore.plugins.datasets.config:KeypointArraysConfig",
        ),
        Component(
            kind="dataset",
            name="ham2pose-files",
            summary="Ham2Pose's own files: data.json and a folder of OpenPose's JSON.",
            target="signcore.plugins.datasets.pose_files:Ham2PoseFiles",
            config="signcore.plugins.datasets.config:Ham2PoseFilesConfig",
        ),
        Component(
            kind="dataset",
            name="wlasl",
            summary="WLASL as it is distributed: one American sign a clip; its 100, 300, 1000 or 2000 glosses.",
            target="signcore.plugins.datasets.word_level:WLASL",
            config="signcore.plugins.datasets.word_level_config:WLASLConfig",
        ),
        Component(
            kind="dataset",
            name="nmfs-csl",
            summary="NMFs-CSL: one Chinese sign a clip, folders of frames and lists of them.",
            target="signcore.plugins.datasets.word_level:NMFsCSL",
            config="signcore.plugins.datasets.word_level_config:NMFsCSLConfig",
        ),
        *(
            Component(
                kind="dataset",
                name=name,
                summary=summary,
                target=f"signcore.plugins.datasets.sentence_level:{target}",
                config=f"signcore.plugins.datasets.sentence_config:{target}Config",
            )
            for name, target, summary in (
                ("asllrp", "ASLLRP", "ASLLRP's continuous signing: utterances, and a table of their signs."),
                ("autsl", "AUTSL", "AUTSL as it is distributed: one Turkish sign a clip."),
                (
                    "phoenix-2014t",
                    "Phoenix",
                    "RWTH-PHOENIX-Weather 2014 T: German sentences, as frames and tables.",
                ),
                ("csl-daily", "CSLDaily", "CSL-Daily: Chinese sentences, as frames and tables."),
            )
        ),
    ]
