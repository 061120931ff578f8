"""Which faces a step sees: pairs of one person, targets, noise; all a function of the step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from aukit.contracts.labels import Labels
from aukit.data.records import person_keys
from aukit.errors import DataError
from aukit.synthesis.draws import Partners, Sampler
from aukit.synthesis.options import FitOptions
from aukit.testing.drawn import DrawnFaces

CONFIG = FitOptions(batch=10, l_ids=1.0, pairs=0.5, noise=0.1)


def faces(count: int = 30, people: int = 3, uncoded: float = 0.2) -> DrawnFaces:
    return DrawnFaces(count, people=people, uncoded=uncoded)


def with_column(source: DrawnFaces, name: str, values: list[str]) -> DrawnFaces:
    place = source.table.column_names.index(name)
    source.table = source.table.set_column(place, name, pa.array(values))
    return source


def codes(source: DrawnFaces, row: int) -> tuple[float, ...]:
    labels = source.labels
    return tuple(torch.where(labels.mask[row], labels.values[row], -1.0).tolist())


def test_every_epoch_shows_every_face_once_in_a_new_order() -> None:
    sampler = Sampler(faces(), CONFIG, seed=1)
    epochs = [torch.cat([sampler.draw(3 * e + s).sources for s in range(3)]) for e in range(2)]
    assert all(sorted(epoch.tolist()) == list(range(30)) for epoch in epochs)
    assert not torch.equal(*epochs)


def test_batches_run_on_over_the_end_of_an_epoch() -> None:
    sampler = Sampler(faces(8), replace(CONFIG, batch=12), seed=1)
    drawn = torch.cat([sampler.draw(step).sources for step in range(2)])
    assert [sorted(drawn[i : i + 8].tolist()) for i in (0, 8, 16)] == [list(range(8))] * 3


def test_a_step_is_a_function_of_seed_and_number() -> None:
    one, other = (Sampler(faces(), CONFIG, seed=1) for _ in range(2))
    other.draw(5)
    first, again, third = one.draw(2), other.draw(2), Sampler(faces(), CONFIG, seed=2).draw(2)
    for name in first.__dataclass_fields__:
        assert torch.equal(getattr(first, name), getattr(again, name)), name
    assert not torch.equal(first.sources, third.sources)


def test_pairs_are_other_expressions_of_the_same_person() -> None:
    source = faces()
    people = person_keys(source.table)
    sampler, seen = Sampler(source, CONFIG, seed=0), set()
    for step in range(60):
        draw = sampler.draw(step)
        assert int(draw.same.sum()) == 5  # half of the batch
        for row, target in zip(draw.sources[draw.same], draw.targets[draw.same], strict=True):
            assert people[row] == people[target]
            assert codes(source, int(row)) != codes(source, int(target))
            seen.add((int(row), int(target)))
        assert not bool(draw.noise[draw.same].any())
        assert bool((draw.sources != draw.targets).all())
    # Every partner of a face comes up: three people with ten faces each.
    possible = {
        (r, t) for r in range(30) for t in range(30)
        if people[r] == people[t] and codes(source, r) != codes(source, t)
    }  # fmt: skip
    assert seen <= possible
    assert len(seen) > 0.6 * len(possible)


def test_every_partner_is_equally_likely() -> None:
    source = faces(12, people=2, uncoded=0.0)
    partners = Partners(source, "person")
    chance = (torch.arange(500) + 0.5) / 500
    found = partners.pick(torch.zeros(500, dtype=torch.int64), chance[:, None])
    counts = torch.bincount(found[:, 0], minlength=12)
    expected = [r for r in range(2, 12, 2) if codes(source, r) != codes(source, 0)]
    assert counts.nonzero().flatten().tolist() == expected
    assert int(counts[expected].max() - counts[expected].min()) <= 1


def test_partners_that_differ_more_are_preferred_by_the_square() -> None:
    source = faces(12, people=2, uncoded=0.3)
    partners = Partners(source, "person")
    values = np.where(source.labels.mask.numpy(), source.labels.values.numpy(), np.nan)
    choice = torch.tensor([[2, 4, 6, 8]])
    apart = [np.nansum(np.abs(values[0] - values[row])) ** 2 for row in (2, 4, 6, 8)]
    lots = (torch.arange(4000) + 0.5) / 4000
    zeros = torch.zeros(4000, dtype=torch.int64)
    found = partners.prefer(zeros, choice.expand(4000, 4), lots)[:, 0]
    shares = [float((found == row).float().mean()) for row in (2, 4, 6, 8)]
    np.testing.assert_allclose(shares, np.array(apart) / sum(apart), atol=2e-3)
    assert max(shares) - min(shares) > 0.1


def test_pairs_stay_in_one_view_and_if_asked_in_one_task() -> None:
    source = with_column(faces(24, people=2), "view", ["frontal", "frontal", "-20,40"] * 8)
    source = with_column(source, "task", ["t1"] * 12 + ["t2"] * 12)
    view, task = (source.table.column(name).to_pylist() for name in ("view", "task"))
    for within in ("person", "task"):
        config = replace(CONFIG, partners=within, pairs=1.0)  # type: ignore[arg-type]
        drawn = [Sampler(source, config, 0).draw(step) for step in range(40)]
        pairs = [
            (int(s), int(t)) for d in drawn
            for s, t in zip(d.sources[d.same], d.targets[d.same], strict=True)
        ]  # fmt: skip
        assert all(view[s] == view[t] for s, t in pairs)
        assert all(task[s] == task[t] for s, t in pairs) == (within == "task")


def test_targets_of_others_get_noise_and_no_pairs_are_drawn_without_the_loss() -> None:
    sampler = Sampler(faces(), replace(FitOptions(), batch=40, noise=0.1), seed=0)
    draw = sampler.draw(0)
    assert not bool(draw.same.any())
    assert float(draw.noise.abs().max()) <= 0.1
    assert float(draw.noise.std()) == pytest.approx(0.2 / 12**0.5, rel=0.15)
    assert 0.2 < float(draw.mirrored.float().mean()) < 0.8
    still = Sampler(faces(), replace(FitOptions(), flip=False), seed=0)
    assert not bool(still.draw(0).mirrored.any())


def test_who_shows_one_expression_only_is_no_source_of_pairs() -> None:
    source = faces(12, people=3, uncoded=0.0)
    values = source.labels.values.clone()
    values[0::3] = 2.0  # the first person never moves
    source.labels = Labels(source.aus, values, source.labels.mask)
    draws = [Sampler(source, replace(CONFIG, pairs=1.0), 0).draw(step) for step in range(9)]
    still = torch.cat([draw.same[draw.sources % 3 == 0] for draw in draws])
    moving = torch.cat([draw.same[draw.sources % 3 != 0] for draw in draws])
    assert not bool(still.any())
    assert bool(moving.all())


def test_nobody_with_two_expressions_is_said() -> None:
    source = faces(6, people=6)
    with pytest.raises(DataError, match="no person among the 6 training faces shows two different"):
        Sampler(source, CONFIG, 0)
    Sampler(source, FitOptions(), 0).draw(0)  # without the pair loss that is fine
