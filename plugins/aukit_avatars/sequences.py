"""The avatars' behaviour over time: tasks made of expressions.

An expression is a set of AUs with relative strengths. In a task, expressions start at random with
the rates of that task, reach a random peak, and every AU of theirs rises, stays and falls smoothly,
a little earlier or later than its companions. The activation of an AU at a moment is the largest
that any running expression asks for; the coder's level is that activation, rounded.

Rates and peaks are set so that intensities are as skewed as in spontaneous corpora: half of the
frames have some AU of smiling, levels D and E of the rare AUs stay below one frame in a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aukit.au import MAX_LEVEL
from aukit.seeds import seed_of
from aukit_avatars.actions import AUS

Array = npt.NDArray[np.float32]

# AU -> activation of that AU, as a share of the peak of the expression.
EXPRESSIONS: dict[str, dict[str, float]] = {
    "smile": {"AU12": 1.0, "AU06": 0.75, "AU25": 0.5, "AU10": 0.35},
    "polite": {"AU12": 0.7, "AU14": 0.8},
    "laugh": {"AU12": 1.0, "AU06": 1.0, "AU07": 0.6, "AU10": 0.7, "AU25": 1.0, "AU26": 0.7},
    "grimace": {"AU10": 1.0, "AU12": 0.45, "AU06": 0.5, "AU25": 0.6},
    "flash": {"AU01": 1.0, "AU02": 1.0},
    "surprise": {"AU01": 1.0, "AU02": 1.0, "AU05": 0.8, "AU25": 0.8, "AU26": 0.8},
    "sadness": {"AU01": 1.0, "AU04": 0.6, "AU15": 0.9, "AU17": 0.7},
    "doubt": {"AU17": 1.0, "AU15": 0.7, "AU14": 0.4},
    "frown": {"AU04": 1.0, "AU07": 0.6},
    "anger": {"AU04": 1.0, "AU07": 0.8, "AU23": 0.8, "AU24": 0.7, "AU17": 0.4},
    "fear": {"AU01": 0.9, "AU02": 0.6, "AU04": 0.7, "AU05": 0.8, "AU20": 1.0, "AU25": 0.6},
    "disgust": {"AU09": 1.0, "AU10": 0.9, "AU04": 0.5, "AU07": 0.4, "AU25": 0.3},
    "pain": {"AU04": 0.8, "AU06": 0.8, "AU07": 1.0, "AU09": 0.5, "AU10": 0.7, "AU43": 0.6,
             "AU20": 0.4, "AU25": 0.5},
    "dimple": {"AU14": 1.0},
    "press": {"AU24": 1.0, "AU14": 0.6, "AU17": 0.5},
    "tighten": {"AU23": 1.0, "AU17": 0.3},
    "suck": {"AU28": 1.0},
    "rest": {"AU43": 1.0},
    "talk": {"AU25": 1.0, "AU26": 0.7, "AU10": 0.4},
}  # fmt: skip

# Task -> expression -> how many start in a minute. The names of the tasks follow BP4D's.
TASKS: dict[str, dict[str, float]] = {
    "T1": {"smile": 16, "laugh": 6, "polite": 10, "talk": 20, "flash": 3, "dimple": 8},
    "T2": {"sadness": 6, "frown": 3, "press": 4, "dimple": 10, "polite": 6, "doubt": 4, "rest": 1},
    "T3": {"surprise": 4, "smile": 14, "laugh": 4, "flash": 3, "dimple": 8, "suck": 0.5},
    "T4": {"smile": 16, "polite": 14, "grimace": 12, "press": 6, "tighten": 3, "dimple": 10},
    "T5": {"fear": 3, "grimace": 12, "smile": 10, "flash": 2, "frown": 1, "dimple": 6},
    "T6": {"pain": 4, "grimace": 14, "smile": 6, "tighten": 3, "dimple": 8, "talk": 10, "doubt": 3},
    "T7": {"anger": 4, "frown": 2, "polite": 12, "talk": 16, "dimple": 12, "doubt": 4, "smile": 8},
    "T8": {"disgust": 5, "grimace": 12, "smile": 12, "doubt": 4, "talk": 10, "suck": 0.5},
}  # fmt: skip
SNEER = "sneer"
SNEER_SHARES: dict[str, float] = {"AU10": 1.0}
SNEER_RATES: dict[str, dict[str, float]] = {
    "T2": {SNEER: 6},
    "T4": {SNEER: 14, "grimace": 5},
    "T5": {SNEER: 14, "grimace": 5},
    "T6": {SNEER: 14, "grimace": 6},
    "T7": {SNEER: 6},
    "T8": {SNEER: 14, "grimace": 5},
}
"""What version 2 changes: an expression of its own takes the place of most grimaces. It raises the
upper lip over closed lips. All others that raise it part the lips too, and a synthesizer would
learn that one means the other."""

DOMAIN_RATES: dict[str, dict[str, float]] = {
    "a": {},
    "b": {"smile": 0.6, "laugh": 0.5, "grimace": 0.3, "talk": 0.2, "dimple": 0.3, "polite": 0.4,
          "flash": 2.0, "surprise": 2.0, "frown": 1.5, "disgust": 1.3},
}  # fmt: skip
"""Domain b watches films alone, as DISFA's people did: fewer social signals, more reactions."""

COMMON = ("smile", "laugh", "grimace", "polite", "dimple", "talk", SNEER)
LIVELY_COMMON, LIVELY_RARE, LIVELY_PEAK = 0.5, 4.0, 1.5
"""Factors of the lively rates: common and rare expressions a minute, and the rare ones' peak."""

UNCODED = (
    "mouthFunnel", "mouthPucker", "jawLeft", "jawRight", "jawForward",
    "mouthLeft", "mouthRight", "cheekPuff",
)  # fmt: skip
"""Actions that no AU of `actions.AUS` is made of: speech and other movements without a code."""

SPEECH, SYLLABLES, FIDGETS = 18.0, 3.0, 9.0
"""Utterances a minute, syllables a second, and single movements of the mouth a minute."""

BLINKS = 14.0  # a minute
_MEAN_PEAK = {
    "smile": 3.0,
    "laugh": 3.7,
    "grimace": 3.0,
    "polite": 2.6,
    "dimple": 2.3,
    "rest": 5.0,
    SNEER: 3.0,
}
_RARE_PEAK = 2.0
_PEAK_SPREAD = 0.35  # of the logarithm of the peak
_SECONDS = (0.4, 1.4, 0.7)  # mean time to rise, to stay, to fall


@dataclass(frozen=True)
class Sequence:
    """One task of one person.

    Attributes:
        activation: (T, AUs) float32 in 0..5: the exact activation.
        angles: (T, 3) float32 degrees, pitch, yaw and roll of the head on the neck.
        gaze: (T, 2) float32 in -1..1, up and to the right of the picture.
        uncoded: (T, K) float32, weights of `UNCODED`.
    """

    activation: Array
    angles: Array
    gaze: Array
    uncoded: Array

    @property
    def levels(self) -> Array:
        """(T, AUs) what a coder would code: whole levels."""
        return np.rint(self.activation)


def perform(
    seed: int,
    person: str,
    task: str,
    frames: int,
    rate: float,
    domain: str = "a",
    *,
    lively: bool = False,
    version: int = 1,
) -> Sequence:
    """Let a person do a task.

    Args:
        seed: of the dataset.
        person, task: the person and the task; with the seed they determine the sequence.
        frames: number of frames, at least 1.
        rate: frames per second.
        domain: `a` or `b`, whose base rates to use.
        lively: rare expressions come four times as often, and stronger; common ones half as often.
            For few frames, where the skew of real corpora would leave nothing to learn from.
        version: of the avatars, 1 or 2; `rates_of` says how their tasks differ.
    """
    random = np.random.Generator(np.random.Philox(seed_of(seed, "task", domain, person, task)))
    time = np.arange(frames) / rate
    activation = np.zeros((frames, len(AUS)), np.float32)
    factors = _factors(domain, lively)
    for name, start in _starts(random, rates_of(task, version), factors, frames / rate):
        stronger = LIVELY_PEAK if lively and name not in COMMON else 1.0
        _express(activation, random, time, name, start, stronger)
    for start in _poisson(random, BLINKS, frames / rate):
        pulse = MAX_LEVEL * _pulse(time, start, 0.12, 0.05, 0.15)
        _raise_to(activation, "AU45", pulse)
    activation[:, AUS.index("AU45")] *= activation[:, AUS.index("AU43")] < 1
    return Sequence(
        activation=np.clip(activation, 0, MAX_LEVEL),
        angles=_drift(random, time, np.array([4.0, 6.0, 3.0])),
        gaze=_drift(random, time, np.array([0.12, 0.25])),
        uncoded=_uncoded(seed_of(seed, "uncoded", domain, person, task), time),
    )


def rates_of(task: str, version: int) -> dict[str, float]:
    """Expression -> how many start in a minute of a task of version 1 or 2."""
    changed = {} if version == 1 else SNEER_RATES.get(task, {})
    return {**TASKS[task], **changed}


def _uncoded(seed: int, time: npt.NDArray[np.float64]) -> Array:
    """(T, K) weights of `UNCODED`: lips round and jaws shift in speech, mouths move aside."""
    random = np.random.Generator(np.random.Philox(seed))
    weights = np.zeros((len(time), len(UNCODED)), np.float32)
    seconds = len(time) * (time[1] - time[0]) if len(time) > 1 else 1.0
    for start in _poisson(random, SPEECH, seconds):
        course = _pulse(time, start, 0.2, 1.6 * random.uniform(0.5, 1.5), 0.3)
        beat = 2 * np.pi * SYLLABLES * random.uniform(0.7, 1.3) * time
        for column in range(5):
            phase = random.uniform(0, 2 * np.pi)
            wave = np.maximum(np.sin(beat / (1 + column % 3) + phase), 0)
            weights[:, column] += _SPOKEN[column] * random.uniform(0.3, 1.0) * course * wave
    for start in _poisson(random, FIDGETS, seconds):
        column = int(random.integers(5, len(UNCODED)))
        weights[:, column] += random.uniform(0.15, 0.6) * _pulse(time, start, 0.3, 1.0, 0.4)
    return np.clip(weights, 0, 1)


_SPOKEN = (0.6, 0.6, 0.35, 0.35, 0.3)
"""Largest weights of the first of `UNCODED` in speech."""


def _factors(domain: str, lively: bool) -> dict[str, float]:
    """Expression -> factor on its rate."""
    own = DOMAIN_RATES[domain]
    if not lively:
        return own
    common = dict.fromkeys(COMMON, LIVELY_COMMON)
    names = (*EXPRESSIONS, SNEER)
    return {name: own.get(name, 1.0) * common.get(name, LIVELY_RARE) for name in names}


def _starts(
    random: np.random.Generator, rates: dict[str, float], factors: dict[str, float], seconds: float
) -> list[tuple[str, float]]:
    return [
        (name, start)
        for name, per_minute in rates.items()
        for start in _poisson(random, per_minute * factors.get(name, 1.0), seconds)
    ]


def _poisson(random: np.random.Generator, per_minute: float, seconds: float) -> list[float]:
    """Start times; expressions may have begun before the recording did."""
    lead = 1.5
    count = random.poisson(per_minute / 60 * (seconds + lead))
    return list(random.uniform(-lead, seconds, count))


def _express(
    activation: Array, random: np.random.Generator, time: npt.NDArray[np.float64], name: str,
    start: float, stronger: float,
) -> None:  # fmt: skip
    peak = (
        stronger
        * _MEAN_PEAK.get(name, _RARE_PEAK)
        * np.exp(_PEAK_SPREAD * random.standard_normal())
    )
    pace = np.exp(0.3 * random.standard_normal())
    rise, stay, fall = (seconds * pace for seconds in _SECONDS)
    shares = SNEER_SHARES if name == SNEER else EXPRESSIONS[name]
    for au, share in shares.items():
        own = share * np.exp(0.2 * random.standard_normal())
        lag = 0.08 * random.standard_normal()
        course = _pulse(time, start + lag, rise, stay, fall)
        _raise_to(activation, au, min(peak, MAX_LEVEL) * own * course)


def _raise_to(activation: Array, au: str, values: npt.NDArray[np.float64]) -> None:
    column = AUS.index(au)
    np.maximum(activation[:, column], values, out=activation[:, column], casting="unsafe")


def _pulse(
    time: npt.NDArray[np.float64], start: float, rise: float, stay: float, fall: float
) -> npt.NDArray[np.float64]:
    """Smooth rise, plateau and fall between 0 and 1."""
    return _smooth((time - start) / rise) * _smooth((start + rise + stay + fall - time) / fall)


def _smooth(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _drift(
    random: np.random.Generator, time: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]
) -> Array:
    """(T, K) slow motion: three sines of random phase and of periods between 1.5 and 12 seconds."""
    period = np.exp(random.uniform(np.log(1.5), np.log(12), (3, 1, len(spread))))
    phase = random.uniform(0, 2 * np.pi, period.shape)
    waves = np.sin(2 * np.pi * time[None, :, None] / period + phase).mean(0)
    offset = 0.4 * random.standard_normal(len(spread)).clip(-2, 2)
    motion: Array = ((waves + offset) * spread).astype(np.float32)
    return motion
