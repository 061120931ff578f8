"""What process 0 of torchrun tells the others about a fit."""

from __future__ import annotations

import json
from pathlib import Path

from aukit.config.resolve import nest, resolve
from aukit.pipeline.stage import Fitted
from aukit.pipeline.stages.fit_estimator import FitEstimator
from aukit.pipeline.stages.fit_synth import FitSynth, Watched
from aukit.pipeline.together import _choices, _plain, _rebuilt
from aukit.registry.loading import Registry
from aukit.store.stages import Result


def test_a_fit_is_rebuilt_from_text_by_a_process_that_knows_the_configuration() -> None:
    typed = nest({"synth": "lacgan", "normalizer": "mean-texture", "landmarker": "mediapipe"})
    here, there = (resolve(Registry(), [("test", typed)], "quick") for _ in range(2))
    one, two = Result("one", Path("runs/one")), Result("two", Path("runs/two"))
    role, aus = here.roles["train"], ("AU01", "AU12")
    watched = Watched(two, role.data, role.landmarker, role.aligner)
    synth = FitSynth(here.need("synth"), one, aus, 3, watched)
    normalizer = Fitted(here.need("normalizer"), one)
    estimator = FitEstimator(here.need("estimator"), two, (one, two), None, normalizer, aus, 3)
    for fit in ((synth, Path("runs/.a")), (estimator, Path("runs/.b")), None):
        text = json.dumps(_plain(fit, _choices(here)))
        assert _rebuilt(json.loads(text), _choices(there)) == fit
