"""One case as a benchmark that prints its ratios."""

import functools

from signcore.kernels import measure

limits = functools.cache(measure.machine)


def beside(benchmark, capsys, case):
    row = measure.one(case, limits())
    inputs = case.make(0)
    benchmark.pedantic(case.ours(*inputs), rounds=1)
    benchmark.extra_info.update(row)
    with capsys.disabled():
        print(
            f"\n{case.op}, {case.name}: {row['ms']:.3f} ms, {row['rate']:.3g} {row['unit']}, {row['share']:.0%}"
        )
        for name, peer in row["peers"].items():
            verdict = "" if peer["met"] else f"  MISSED, {peer['wanted']:g} wanted"
            print(f"{name:>26}: {peer['ms']:10.3f} ms = {peer['ratio']:8.2f} x{verdict}")
        for name in row["missing"]:
            print(f"{name:>26}: not installed")
