"""Discovery, as design section 3 states it: every failure is a record, the others keep working."""

import pytest

from signcore import discovery
from signcore.component import Component
from signcore.errors import AmbiguousComponent, PluginFailed, UnknownComponent, UsageError
from signcore.registry import Registry


def records(found):
    return {r.distribution: r for r in found.third_party}


def test_an_installed_plugin_is_found_and_attributed(distribution, static, registry):
    distribution("grey-maker", static("grey", "grey_maker"))
    record, component = registry.find("generator", "grey")
    assert (record.distribution, record.version, record.status) == ("grey-maker", "1.2", "ok")
    assert component.target == "grey_maker:Static"
    assert len(registry.load("generator", "grey").generate(None)) == 5


@pytest.mark.parametrize(
    ("source", "phase", "word"),
    [
        ("raise RuntimeError('broken on import')", "import", "broken on import"),
        ("import no_such_module_anywhere", "import", "no_such_module_anywhere"),
        ("raise SystemExit(3)", "import", "SystemExit"),
        ("def nothing(): pass", "declare", "signcore_components"),
        (
            "from signcore import hookimpl\n@hookimpl\ndef signcore_components(): raise ValueError('bad declaration')",
            "declare",
            "bad declaration",
        ),
        (
            "from signcore import hookimpl\n@hookimpl\ndef signcore_components(): raise SystemExit(0)",
            "declare",
            "SystemExit",
        ),
        (
            "from signcore import hookimpl\n@hookimpl\ndef signcore_components(): return [1]",
            "declare",
            "Component records",
        ),
        (
            "from signcore import hookimpl\n@hookimpl\ndef signcore_components(): return 1",
            "declare",
            "a list",
        ),
        (
            "from signcore import hookimpl\n@hookimpl\ndef signcore_components(): return []\n"
            "@hookimpl\ndef signcore_colours(): return []",
            "declare",
            "signcore_colours",
        ),
        (
            "from signcore import hookimpl\n@hookimpl\ndef signcore_components(argument): return []",
            "register",
            "argument",
        ),
        (
            "from signcore import hookimpl, Component\n@hookimpl\ndef signcore_components():\n"
            " return [Component(kind='metrics', name='x', summary='x', target='a:B')]",
            "declare",
            "kind",
        ),
    ],
)
def test_a_broken_plugin_is_a_record_and_the_others_work(distribution, static, registry, source, phase, word):
    distribution("a-broken", source)
    distribution("z-fine", static("grey", "z_fine"))
    found = records(registry)
    assert found["a-broken"].status == "failed"
    assert found["a-broken"].phase == phase
    assert word in found["a-broken"].trouble()
    assert found["z-fine"].status == "ok"
    assert "grey" in registry.names("generator")
    assert "pgmm" in registry.names("generator")


def test_strict_mode_raises_what_the_plugin_raises(distribution, monkeypatch, registry):
    distribution("a-broken", "raise RuntimeError('broken on import')")
    monkeypatch.setenv("SIGNCORE_STRICT", "1")
    with pytest.raises(RuntimeError, match="broken on import"):
        _ = registry.third_party


def test_order_is_by_distribution_name(distribution, static, registry):
    for name in ("zeta", "alpha", "midway"):
        distribution(name, static(name, name))
    ours = [r.distribution for r in registry.third_party if r.distribution in ("zeta", "alpha", "midway")]
    assert ours == ["alpha", "midway", "zeta"]


@pytest.mark.parametrize(("setting", "on"), [(None, {"alpha", "beta"}), ("alpha", {"alpha"}), ("", set())])
def test_the_environment_filters_before_anything_is_imported(distribution, static, monkeypatch, setting, on):
    for name in ("alpha", "beta"):
        distribution(name, f"import sys; sys.imported_{name} = True\n" + static(name, name))
    if setting is None:
        monkeypatch.delenv("SIGNCORE_PLUGINS", raising=False)
    else:
        monkeypatch.setenv("SIGNCORE_PLUGINS", setting)
    found = records(Registry())
    assert {n for n in ("alpha", "beta") if found[n].status == "ok"} == on
    import sys

    for name in ("alpha", "beta"):
        assert hasattr(sys, f"imported_{name}") == (name in on)
        if hasattr(sys, f"imported_{name}"):
            delattr(sys, f"imported_{name}")
        sys.modules.pop(name, None)


def test_two_third_parties_with_one_name_need_the_qualified_one(distribution, static, registry):
    distribution("first-lab", static("grey", "first_lab"))
    distribution("second-lab", static("grey", "second_lab"))
    with pytest.raises(AmbiguousComponent) as error:
        registry.find("generator", "grey")
    assert "first-lab 1.2" in str(error.value)
    assert "second-lab/grey" in error.value.hint
    assert registry.find("generator", "second-lab/grey")[0].distribution == "second-lab"
    assert {"first-lab/grey", "second-lab/grey"} <= set(registry.names("generator"))


def test_a_bare_built_in_name_always_means_the_built_in(distribution, static, registry):
    distribution("other", static("pgmm", "other"))
    assert registry.find("generator", "pgmm")[0].distribution == "signcore"
    assert registry.find("generator", "signcore/pgmm")[0].distribution == "signcore"
    assert registry.find("generator", "other/pgmm")[0].distribution == "other"
    assert "other/pgmm" in registry.names("generator")


def test_a_built_in_name_imports_no_third_party_code(distribution, registry):
    distribution("a-broken", "raise RuntimeError('broken on import')")
    registry.find("generator", "pgmm")
    assert registry._third_party is None


def test_an_unknown_name_suggests_the_nearest_and_counts_failures(distribution, registry):
    distribution("a-broken", "raise RuntimeError('x')")
    with pytest.raises(UnknownComponent) as error:
        registry.find("generator", "pgm")
    assert "did you mean 'pgmm'" in error.value.hint
    assert "a-broken" in error.value.hint


def test_a_name_of_our_own_packages_says_what_to_install(monkeypatch):
    monkeypatch.setenv("SIGNCORE_PLUGINS", "")
    with pytest.raises(UnknownComponent) as error:
        Registry().find("estimator", "mediapipe")
    assert "pip install signcore-mediapipe" in error.value.hint


def test_a_qualified_name_of_a_failed_plugin_shows_its_failure(distribution, registry):
    distribution("a-broken", "raise RuntimeError('broken on import')")
    with pytest.raises(PluginFailed, match="broken on import"):
        registry.find("generator", "a-broken/grey")


def test_a_lazy_import_that_fails_shows_the_original_line_and_what_to_install(distribution, registry):
    distribution(
        "lazy",
        """
        from signcore import Component, hookimpl
        @hookimpl
        def signcore_components():
            return [Component(kind="metric", name="lazy", summary="x", target="no_such_module:X", needs="lazy[gpu]")]
        """,
    )
    with pytest.raises(PluginFailed) as error:
        registry.load("metric", "lazy")
    assert "No module named 'no_such_module'" in str(error.value)
    assert error.value.hint == 'pip install "lazy[gpu]"'
    assert isinstance(error.value.__cause__, ModuleNotFoundError)


def test_a_constructor_that_raises_is_a_plugin_failure(distribution, registry):
    distribution(
        "hard",
        """
        from signcore import Component, hookimpl
        class Hard:
            def __init__(self, config, context): raise ValueError("cannot be made")
        @hookimpl
        def signcore_components():
            return [Component(kind="metric", name="hard", summary="x", target="hard:Hard")]
        """,
    )
    with pytest.raises(
        PluginFailed, match="metric hard of hard 1.2 could not be constructed .*cannot be made"
    ):
        registry.load("metric", "hard")


def test_a_plugin_that_asks_for_components_while_it_loads_is_refused(distribution):
    found = Registry()
    import signcore

    signcore._test_registry = found
    try:
        distribution("asker", "import signcore\nsigncore._test_registry.names('generator')")
        record = records(found)["asker"]
    finally:
        del signcore._test_registry
    assert record.status == "failed"
    assert isinstance(record.error, UsageError)


def test_one_name_declared_twice_by_a_plugin_is_refused(distribution, registry):
    distribution(
        "twice",
        """
        from signcore import Component, hookimpl
        @hookimpl
        def signcore_components():
            return [Component(kind="metric", name="x", summary="x", target="a:B")] * 2
        """,
    )
    assert "declared twice" in records(registry)["twice"].trouble()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "thing"}, "kind"),
        ({"name": "Upper"}, "name"),
        ({"name": "a b"}, "name"),
        ({"summary": "two\nlines"}, "summary"),
        ({"target": "no_colon"}, "target"),
        ({"config": "a.b"}, "config"),
        ({"contract": 99}, "contract"),
        ({"output": "smell"}, "output"),
    ],
)
def test_a_malformed_component_names_its_field(change, field):
    good = {"kind": "generator", "name": "x", "summary": "x", "target": "a:B"}
    with pytest.raises(ValueError, match=f"^{field}"):
        Component(**{**good, **change})


def test_built_ins_come_through_the_same_door():
    manager = discovery.new_manager()
    assert [r.status for r in discovery.built_in(manager)] == ["ok"] * len(discovery.BUILT_IN)
