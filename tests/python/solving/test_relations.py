# SPDX-License-Identifier: BSD-3-Clause
"""Channel relations (CEP 42): channels that come with others, and the order of all."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cenv.config.channels import Channel, resolve
from cenv.config.config import Config
from cenv.errors import ChannelError
from cenv.solving import relations
from cenv.solving.index import Index
from cenv.solving.index_dir import index as index_directory
from cenv.solving.index_dir import write_shards
from cenv.tracing import recorder as trace

SUBDIR = "linux-64"
Said = dict[str, Any]


def write(
    top: Path,
    name: str,
    said: object = None,
    *packages: str,
    shards: bool = False,
    noarch: object = None,
) -> Path:
    """Write a channel below `top`, whose packages are NAME-VERSION."""
    found = {}
    for package in packages:
        called, _, version = package.rpartition("-")
        record = {"name": called, "version": version, "build": "0", "build_number": 0}
        found[f"{package}-0.conda"] = {**record, "depends": [], "sha256": "0" * 64}
    for subdir, held, info in ((SUBDIR, found, said), ("noarch", {}, noarch)):
        more = {} if info is None else {"channel_relations": info}
        folder = top / name / subdir
        folder.mkdir(parents=True, exist_ok=True)
        document = {"info": {"subdir": subdir, **more}, "packages.conda": held}
        if shards:
            write_shards(folder, document, 3)
        else:
            (folder / "repodata.json").write_text(json.dumps(document))
    return top / name


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Index]:
    """Return a function that opens an index on the test's own store."""

    def open_index(*channels: object, **keys: Any) -> Index:
        offline, specs = keys.pop("offline", False), keys.pop("specs", ())
        config, store = Config(**keys), tmp_path / "store"
        names = [str(channel) for channel in channels]
        return Index(
            names, SUBDIR, store=store, offline=offline, config=config, specs=specs
        )

    return open_index


def order(index: Index) -> list[str]:
    """Return the last names of the channels of an index."""
    return [c.safe_url.rpartition("/")[2] for c in index.channels]


def chosen(index: Index, *specs: str, **options: Any) -> list[str]:
    records = index.solve(specs, **options).records
    return [f"{r.name}-{r.version} of {r.channel.rpartition('/')[2]}" for r in records]


# ---- what comes with a channel ----


def test_base__comes_before_the_channel(tmp_path, opened):
    top = tmp_path / "top"
    write(top, "forge", None, "x-1", "y-1")
    index = opened(write(top, "bio", {"base": "../forge"}, "x-2", "z-1"))
    assert order(index) == ["forge", "bio"]
    assert chosen(index, "x") == ["x-1 of forge"]
    assert chosen(index, "x>1", "y", "z") == [
        "x-2 of bio",
        "y-1 of forge",
        "z-1 of bio",
    ]


def test_overrides__comes_behind_the_channel(tmp_path, opened):
    top = tmp_path / "top"
    write(top, "forge", None, "x-2", "y-1")
    label = write(top, "forge/label/rc", {"overrides": "../.."}, "x-1")
    index = opened(label)
    assert order(index) == ["rc", "forge"]
    assert chosen(index, "x", "y") == ["x-1 of rc", "y-1 of forge"]
    assert chosen(index, "x", channel_priority="disabled") == ["x-2 of forge"]


def test_relations__are_followed_from_channel_to_channel(tmp_path, opened):
    top = tmp_path / "top"
    write(top, "forge")
    write(top, "hot")
    write(top, "bio", {"base": "../forge"})
    mine = write(top, "mine", {"base": "../bio", "overrides": "../hot"})
    assert order(opened(mine)) == ["forge", "bio", "mine", "hot"]


@pytest.mark.parametrize("names", [["forge", "bio"], ["bio", "forge"]])
def test_order_of_the_user__stays(tmp_path, opened, names):
    write(tmp_path, "forge", None, "x-1")
    write(tmp_path, "bio", {"base": "../forge"}, "x-1")
    index = opened(*(tmp_path / name for name in names))
    assert order(index) == names
    assert chosen(index, "x") == [f"x-1 of {names[0]}"]


def test_order_of_the_user__breaks_a_circle(tmp_path, opened):
    a = write(tmp_path, "a", {"base": "../b"})
    b = write(tmp_path, "b", {"base": "../a"})
    with pytest.raises(ChannelError, match=r"in a circle: .*a builds on .*b") as error:
        opened(a)
    assert f"give the order: -c file://{a} -c file://{b}; or" in (
        error.value.hint or ""
    )
    assert "channel_relations_max_depth: 0" in (error.value.hint or "")
    assert order(opened(b, a)) == ["b", "a"]
    assert order(opened(a, channel_relations_max_depth=0)) == ["a"]


def test_circle__through_a_channel_nobody_gave_is_an_error(tmp_path, opened):
    a, b = (
        write(tmp_path, "a"),
        write(tmp_path, "b", {"overrides": "../m"}),
    )
    write(tmp_path, "m", {"overrides": "../a"})
    with pytest.raises(
        ChannelError, match=r"in a circle: .*b overrides .*m; .*m overr"
    ):
        opened(a, b)


def test_subdirs__speak_each_for_themselves(tmp_path, opened):
    write(tmp_path, "forge")
    write(tmp_path, "hot")
    same = {"base": "../forge"}
    mine = write(tmp_path, "mine", same, noarch=same | {"overrides": "../hot"})
    assert order(opened(mine)) == ["forge", "mine", "hot"]


@pytest.mark.parametrize("said", [None, {}, {"base": None}, {"later": [1]}])
def test_channel__that_says_nothing_stands_alone(tmp_path, opened, said):
    assert order(opened(write(tmp_path, "a", said))) == ["a"]


@pytest.mark.parametrize("shards", [False, True])
def test_relations__are_read_of_servers(serve, tmp_path, opened, shards):
    write(tmp_path, "forge", None, "x-1", shards=shards)
    write(tmp_path, "bio", {"base": "../forge", "later": 1}, "x-2", shards=shards)
    server = serve(tmp_path)
    index = opened(f"{server.url}/bio")
    asked = server.paths()
    assert len(asked) == len(set(asked))  # nothing is fetched again for its place
    assert [c.name for c in index.channels] == [
        f"{server.url}/forge",
        f"{server.url}/bio",
    ]
    assert chosen(index, "x") == ["x-1 of forge"]
    assert chosen(opened(f"{server.url}/bio", offline=True), "x") == ["x-1 of forge"]


def test_relations__may_lead_up_from_a_server_s_label(serve, tmp_path, opened):
    write(tmp_path, "conda/forge", None, "x-1")
    write(tmp_path, "conda/forge/label/rc", {"overrides": "../.."})
    server = serve(tmp_path)
    index = opened(f"{server.url}/conda/forge/label/rc")
    assert index.channels[1].safe_url == f"{server.url}/conda/forge"


def test_relations__of_a_large_channel_are_in_its_binary_index(tmp_path, opened):
    write(tmp_path, "forge")
    bio = write(
        tmp_path, "bio", {"base": "../forge"}, *(f"p{i}-1" for i in range(9000))
    )
    assert (bio / SUBDIR / "repodata.json").stat().st_size > 1 << 20
    for _ in range(2):
        with trace.recording() as recorder:
            assert order(opened(bio)) == ["forge", "bio"]
    spans = [s for s in recorder.spans if s["stage"] == "process indices"]
    assert sum(s["hits"] for s in spans) > 0


# ---- what is refused ----


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("forge", "is not relative"),
        ("https://elsewhere.example/forge", "is not relative"),
        ("//elsewhere.example/forge", "is not relative"),
        ("/forge", "is not relative"),
        ("..", "is not relative"),
        ("./forge", "is not relative"),
        ("", "is not relative"),
        ("../../../../../../../../../../../../forge", "leads above the root"),
        ("../../..", "leads above the root"),
        ("../forge?x=1", "has characters"),
        ("../forge#x", "has characters"),
        ("../a b", "has characters"),
        ("..\\forge", "is not relative"),
        ("../x\\forge", "has characters"),
        ("../https://elsewhere.example/forge", "has characters"),
        ("../x/t/tk-123/forge", "has characters"),
        ("../for*", "has characters"),
        ("../%2e%2e/forge", "has characters"),
        ("../x%2fy", "has characters"),
        ("../x\u202ey", "has characters"),
        ("../forge/linux-64", "is a subdir"),
        ("../bio", "names itself as its base"),
        ("../x/../bio", "names itself as its base"),
    ],
)
def test_reference__that_is_none_is_refused(serve, tmp_path, opened, reference, why):
    write(tmp_path, "top/bio", {"base": reference}, "x-1")
    url = f"{serve(tmp_path).url}/top/bio"
    with pytest.raises(ChannelError, match=why) as error:
        opened(url)
    assert url in str(error.value)
    assert "channel_relations_max_depth: 0" in (error.value.hint or "")
    assert chosen(opened(url, channel_relations_max_depth=0), "x") == ["x-1 of bio"]


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["../forge"], "are not an object"),
        ("../forge", "are not an object"),
        (7, "are not an object"),
        ({"base": ["../forge"]}, "have a base or overrides that is no text"),
        ({"overrides": 1}, "have a base or overrides that is no text"),
        ({"base": "../" + "x" * 65536}, "are longer than 64 KiB"),
    ],
)
def test_relations__of_another_shape_are_refused(tmp_path, opened, said, why, shards):
    bio = write(tmp_path, "bio", said, "x-1", shards=shards)
    with pytest.raises(ChannelError, match=f"bio/{SUBDIR} {why}") as error:
        opened(bio)
    assert "channel_relations_max_depth: 0" in (error.value.hint or "")
    assert chosen(opened(bio, channel_relations_max_depth=0), "x") == ["x-1 of bio"]


def test_relations__to_one_channel_both_ways_are_refused(tmp_path, opened):
    forge = write(tmp_path, "forge")
    said = {"base": "../forge", "overrides": "../x/../forge"}
    bio = write(tmp_path, "bio", said)
    for channels in ([bio], [forge, bio]):
        with pytest.raises(ChannelError, match="one channel as base and as overrides"):
            opened(*channels)


def test_related_channel__that_is_not_there_is_named(serve, tmp_path, opened):
    write(tmp_path, "bio", {"base": "../forge"})
    url = serve(tmp_path).url
    message = f"'{url}/forge/noarch' does not exist .*: {url}/bio builds on {url}/forge"
    with pytest.raises(ChannelError, match=message) as error:
        opened(f"{url}/bio")
    assert "channel_relations_max_depth: 0" in (error.value.hint or "")


def chain(top: Path, length: int) -> Path:
    for i in range(length):
        write(top, f"c{i}", {"base": f"../c{i + 1}"})
    write(top, f"c{length}")
    return top / "c0"


@pytest.mark.parametrize(("length", "depth"), [(1, 1), (10, 10)])
def test_relations__are_followed_so_far(tmp_path, opened, length, depth):
    index = opened(chain(tmp_path, length), channel_relations_max_depth=depth)
    assert order(index) == [f"c{i}" for i in range(length, -1, -1)]


@pytest.mark.parametrize(("length", "depth"), [(2, 1), (11, 10)])
def test_relations__further_than_that_are_an_error(tmp_path, opened, length, depth):
    message = f"further than {depth} channels: .*c{depth} builds on .*c{depth + 1}"
    with pytest.raises(ChannelError, match=message) as error:
        opened(chain(tmp_path, length), channel_relations_max_depth=depth)
    assert "channel_relations_max_depth" in (error.value.hint or "")


def test_relations__of_a_channel_given_count_from_there(tmp_path, opened):
    chain(tmp_path, 11)
    index = opened(tmp_path / "c5", tmp_path / "c0")
    with pytest.raises(ChannelError, match="further than 10 channels"):
        opened(tmp_path / "c0")
    assert len(index.channels) == 12


def test_relations__to_too_many_channels_are_an_error(tmp_path, opened):
    """Each names two more, as a channel that means harm would."""

    def said(name: str) -> Said:
        return {"base": f"../{name}a", "overrides": f"../{name}b"}

    left = ["c"]
    while left and len(left[0]) < 8:
        name = left.pop(0)
        write(tmp_path, name, said(name))
        left += [f"{name}a", f"{name}b"]
    for name in left:
        write(tmp_path, name)
    with pytest.raises(ChannelError, match="more than 64 channels are named by others"):
        opened(tmp_path / "c")


# ---- policies and secrets ----


@pytest.mark.parametrize("key", ["denylist_channels", "allowlist_channels"])
def test_policy__holds_for_related_channels(serve, tmp_path, opened, key):
    write(tmp_path, "forge")
    write(tmp_path, "bio", {"base": "../forge"})
    server = serve(tmp_path)
    url = server.url
    named = f"{url}/forge" if key == "denylist_channels" else f"{url}/bio"
    with pytest.raises(ChannelError, match=f"{key}: {url}/bio builds on") as error:
        opened(f"{url}/bio", **{key: (named,)})
    assert f"{url}/forge" in str(error.value)
    assert not [path for path in server.paths() if path.startswith("/forge")]


def test_cutoff__of_a_related_channel_holds(tmp_path, opened):
    write(tmp_path, "forge", None, "x-1")
    bio = write(tmp_path, "bio", {"base": "../forge"})
    for subdir in (SUBDIR, "noarch"):
        path = tmp_path / "forge" / subdir / "repodata.json"
        text = path.read_text().replace(
            '"depends"', '"timestamp": 1700000000000, "depends"'
        )
        path.write_text(text)
    index = opened(bio, channel_settings=((f"file://{tmp_path}/forge", 0),))
    from cenv.errors import UnsatisfiableError

    with pytest.raises(UnsatisfiableError, match="newer than exclude_newer"):
        index.solve(["x"])


def test_login__goes_to_the_same_server(serve, tmp_path, opened):
    write(tmp_path, "forge", None, "x-1")
    write(tmp_path, "bio", {"base": "../forge"})
    server = serve(tmp_path)
    index = opened(f"http://me:secret@{server.netloc}/bio")
    sent = {path: headers.get("authorization") for path, headers in server.seen}
    assert sent["/forge/noarch/repodata.json"] == sent["/bio/noarch/repodata.json"]
    assert sent["/forge/noarch/repodata.json"]
    assert index.fetching()["secrets"][f"{server.url}/forge"].startswith(
        "http://me:sec"
    )
    assert "secret" not in f"{index.channels} {index.solve(['x'])}"


def test_token__opens_related_channels_query_does_not(serve, tmp_path, opened):
    for name in ("forge", "t/tk-123/forge"):
        write(tmp_path, name)
    for name in ("bio", "t/tk-123/bio"):
        write(tmp_path, name, {"base": "../forge"})
    server = serve(tmp_path)
    with trace.recording() as recorder:
        index = opened(f"{server.url}/t/tk-123/bio")
    paths = server.paths()
    assert "/t/tk-123/forge/noarch/repodata.json" in paths
    assert not [path for path in paths if path.startswith("/forge")]
    assert [c.safe_url for c in index.channels] == [
        f"{server.url}/forge",
        f"{server.url}/bio",
    ]
    assert "tk-123" not in f"{index.channels} {recorder.notes}"
    (related, _bio) = resolve_related(f"{server.url}/bio?key=1")
    assert related.url.for_request == f"{server.url}/forge"


def resolve_related(url: str) -> tuple[Channel, Channel]:
    from cenv.config.channels import related

    (channel,) = resolve([url], Config())
    return related(channel, "../forge", Config()), channel


def test_secret__of_a_channel_reaches_no_other_host(tmp_path):
    """What the configuration knows of the place is used, and what the user gave here."""
    from cenv.config.channels import related

    alias = Config(channel_alias="https://corp.example/t/tk-9/conda")
    (channel,) = resolve(["bio"], alias)
    found = related(channel, "../forge", alias)
    assert found.name == "forge"
    assert found.url.for_request == "https://corp.example/conda/t/tk-9/forge"
    (own,) = resolve(["https://me:pw@corp.example/conda/bio"], alias)
    known = related(own, "../forge", alias).url.for_request
    assert known == "https://me:pw@corp.example/conda/t/tk-9/forge"
    own_login = Config(custom_channels={"forge": "https://you:word@host.example"})
    (own,) = resolve(["https://me:pw@host.example/bio"], own_login)
    known = related(own, "../forge", own_login).url.for_request
    assert known == "https://you:word@host.example/forge"
    for reference in ("../forge", "../..", "../../x/y"):
        (own,) = resolve(["https://me:pw@host.example/a/b/c"], Config())
        url = related(own, reference, Config()).url.for_request
        assert url.startswith("https://me:pw@host.example/")


# ---- what else knows of them ----


def test_lock__lists_the_channels_asked_for(tmp_path, capsys, monkeypatch):
    from cenv.cli import main

    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    top = tmp_path / "top"
    write(top, "forge", None, "x-1")
    bio = write(top, "bio", {"base": "../forge"}, "y-1")
    lock = tmp_path / "conda-lock.yml"
    given = ["-c", str(bio), "--override-channels", "--platform", SUBDIR]
    assert main(["solve", "x", "y", *given, "--lock", str(lock)]) == 0
    text = lock.read_text()
    assert f"url: file://{bio}\n" in text
    assert f"url: file://{top}/forge\n" not in text
    assert f"url: file://{top}/forge/{SUBDIR}/x-1-0.conda" in text
    capsys.readouterr()


def test_create__takes_packages_of_related_channels(small_channel, tmp_path):
    import shutil

    import cenv

    shutil.copytree(small_channel, tmp_path / "forge")
    bio = write(tmp_path, "bio", {"base": "../forge"})
    store = tmp_path / "store"
    report = cenv.create(
        tmp_path / "env", ["tool"], [bio], platform=SUBDIR, store=store
    )
    assert report.channels == (f"file://{bio}",)
    assert {r.channel for r in report.records} == {f"file://{tmp_path}/forge"}
    assert (tmp_path / "env/bin/tool").exists()
    template = cenv.TemplateStore(store).template(["tool"], [bio], platform=SUBDIR)
    assert [r.name for r in template.records] == list(report.names())


def test_verbose__tells_which_channels_came_along(tmp_path, capsys, monkeypatch):
    from cenv.cli import main

    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    write(tmp_path, "forge", None, "x-1")
    bio = write(tmp_path, "bio", {"base": "../forge"})
    given = ["-c", str(bio), "--override-channels", "--platform", SUBDIR]
    assert main(["-v", "solve", "x", *given]) == 0
    told = f"file://{bio} builds on file://{tmp_path}/forge, which is searched, too"
    assert told in capsys.readouterr().err
    forge = ["-c", str(tmp_path / "forge"), *given[2:]]
    assert main(["-v", "solve", "x", *given[:2], *forge]) == 0
    assert (
        "which the order of the channels given contradicts" in capsys.readouterr().err
    )


def test_identity__has_the_files_of_related_channels(tmp_path, opened):
    write(tmp_path, "forge", None, "x-1")
    bio = write(tmp_path, "bio", {"base": "../forge"})
    before = opened(bio).identity
    write(tmp_path, "forge", None, "x-1", "x-2")
    assert opened(bio).identity != before


def test_channel_in_a_spec__that_is_related_is_not_opened_again(
    serve, tmp_path, opened
):
    write(tmp_path, "forge", None, "x-1")
    write(tmp_path, "bio", {"base": "../forge"}, "x-2")
    server = serve(tmp_path)
    index = opened(f"{server.url}/bio", specs=["forge::x"])
    assert len(index.channels) == 2
    assert chosen(index, "forge::x") == ["x-1 of forge"]


def test_channel_in_a_spec__has_no_place_of_its_own(tmp_path, opened):
    forge = write(tmp_path, "forge", None, "x-1")
    other = write(tmp_path, "other", {"base": "../forge"})
    index = opened(other, channel_relations_max_depth=0, specs=[f"file://{forge}::x"])
    assert order(index) == ["other", "forge"]
    write(tmp_path, "third", None)
    bio = write(tmp_path, "bio", {"base": "../third"})
    index = opened(bio, specs=[f"file://{other}::y"])
    assert order(index) == ["third", "bio", "forge", "other"]


def test_index_of_a_directory__keeps_relations(small_channel, tmp_path, opened):
    import shutil

    bio = shutil.copytree(small_channel, tmp_path / "bio")
    write(tmp_path, "forge")
    for subdir in bio.iterdir():
        path = subdir / "repodata.json"
        document = json.loads(path.read_text())
        document["info"]["channel_relations"] = {"base": "../forge"}
        path.write_text(json.dumps(document))
    index_directory(bio, shards=True)
    text = (bio / "noarch/repodata.json").read_text()
    assert json.loads(text)["info"]["channel_relations"] == {"base": "../forge"}
    for shards in (False, True):
        assert order(opened(bio, repodata_use_shards=shards)) == ["forge", "bio"]


def test_index_of_a_directory__writes_relations(small_channel, tmp_path, opened):
    import shutil

    from cenv.cli import main

    bio = shutil.copytree(small_channel, tmp_path / "bio")
    write(tmp_path, "forge")
    write(tmp_path, "hot")
    assert main(["index", str(bio), "--base", "../forge", "--overrides", "../hot"]) == 0
    assert order(opened(bio)) == ["forge", "bio", "hot"]
    index_directory(bio, overrides="", shards=True)
    assert order(opened(bio)) == ["forge", "bio"]
    index_directory(bio, base="")
    for shards in (False, True):
        assert order(opened(bio, repodata_use_shards=shards)) == ["bio"]
    text = (bio / "noarch/repodata.json").read_text()
    assert "channel_relations" not in text


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"base": "forge"}, "is not relative"),
        ({"overrides": "../x?y"}, "has characters"),
        ({"base": "../bio"}, "would name itself"),
        ({"base": "../x", "overrides": "../y/../x"}, "would be one channel"),
    ],
)
def test_index_of_a_directory__writes_no_wrong_relation(
    small_channel, tmp_path, keys, why
):
    import shutil

    bio = shutil.copytree(small_channel, tmp_path / "bio")
    before = (bio / "noarch/repodata.json").read_bytes()
    with pytest.raises(ChannelError, match=why):
        index_directory(bio, **keys)
    assert (bio / "noarch/repodata.json").read_bytes() == before


# ---- the order ----


def sort(
    heads: Sequence[str], said: dict[str, Said], named: Sequence[str] = ()
) -> list[str]:
    """Return the order of channels c.example/NAME that say so."""
    config = Config(channel_relations_max_depth=100)
    given = [f"https://c.example/{name}" for name in heads]
    more = [f"https://c.example/{name}" for name in named]

    def declared(channels: Iterable[Channel]) -> relations.Declared:
        return [(c, said.get(c.safe_url.rpartition("/")[2])) for c in channels]

    found = relations.follow(
        resolve(given, config), resolve(more, config), declared, config
    )
    return [c.safe_url.rpartition("/")[2] for c in found]


@pytest.mark.parametrize(
    ("heads", "said", "wanted"),
    [
        (["a", "b"], {}, "ab"),
        (["a", "b"], {"b": {"base": "../m"}}, "amb"),
        (["a", "b"], {"a": {"overrides": "../m"}}, "amb"),
        (["a", "b"], {"a": {"base": "../m"}, "b": {"overrides": "../n"}}, "mabn"),
        (["a", "b"], {"a": {"overrides": "../m"}, "b": {"base": "../m"}}, "amb"),
        (["a", "b"], {"a": {"overrides": "../m"}, "b": {"overrides": "../m"}}, "abm"),
        (["a", "b"], {"a": {"overrides": "../m"}, "m": {"base": "../n"}}, "anmb"),
        (["a", "b", "c"], {"a": {"overrides": "../c"}}, "abc"),
        (["a", "b", "c"], {"c": {"overrides": "../a"}}, "abc"),
    ],
)
def test_order__puts_related_channels_side_by_side(heads, said, wanted):
    assert "".join(sort(heads, said)) == wanted


@pytest.mark.parametrize("seed", range(40))
def test_order__keeps_every_relation(seed):
    """On made-up graphs without circles: what comes before what, whatever the shape."""
    chance = random.Random(seed)
    names = [f"n{i}" for i in range(chance.randint(2, 14))]
    rank = {name: i for i, name in enumerate(chance.sample(names, len(names)))}
    said: dict[str, Said] = {}
    for name in names:
        above = [other for other in names if rank[other] < rank[name]]
        below = [other for other in names if rank[other] > rank[name]]
        said[name] = {}
        if above and chance.random() < 0.7:
            said[name]["base"] = f"../{chance.choice(above)}"
        if below and chance.random() < 0.7:
            said[name]["overrides"] = f"../{chance.choice(below)}"
    heads = sorted(
        chance.sample(names, chance.randint(1, len(names))), key=rank.__getitem__
    )
    found = sort(heads, said)
    assert len(found) == len(set(found))
    assert [name for name in found if name in heads] == heads
    for name in found:
        for key, reference in said[name].items():
            other = reference.removeprefix("../")
            first, second = (other, name) if key == "base" else (name, other)
            assert found.index(first) < found.index(second)
    assert found == sort(heads, said)
