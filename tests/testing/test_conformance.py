"""Every built-in component keeps its contract. What is skipped says why: most datasets need files, most networks weights."""

from signcore.testing import conformance

FEW = {"clips": 8, "signers": 8, "width": 64, "height": 64}  # what would be hundreds of renderings
test_conformance = conformance(
    "signcore",
    {
        "metric akd": {"settings": {"estimator": "carried"}},  # others are of packages that may not be there
        "generator nearest-frame": {"settings": {"dataset_settings": FEW, "clips": 2}},
        "generator pose-route": {"settings": {"dataset_settings": {**FEW, "max_glosses": 1}}},
        "recognizer ndtw-neighbours": {
            "settings": {"gallery_settings": {"clips": 12, "min_glosses": 1, "max_glosses": 1}}
        },
    },
)
