"""Downloads for shops: whole, filled in, and harmless whatever a site's values are."""

import html
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from foundation.errors import BadInput
from web_capture.plugins.bundle import PLUGINS, Values, bundle, texts

SOURCES = Path(__file__).parents[2] / "web_capture" / "plugins"
VALUES = Values("https://crm.example", "a1b2c3d4e5f60718", "wk_public-key", "sk_secret-key")
HOSTILE = [
    "'",
    '"',
    "\\",
    "\\'",
    "'); system('id'); //",
    "?><?php phpinfo(); ?>",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "&amp;",
    "{{ shop.secret }}{% raw %}",
    "${alert(1)}",
    "`",
    "\u2028\u2029",
    "\n\r",
    "*/",
    "__SECRET_KEY__",
    "\\g<0>\\1",
    "é €",
]
php = shutil.which("php")
node = shutil.which("node")
needs_php = pytest.mark.skipif(php is None, reason="php is missing: apt-get install php-cli")
needs_node = pytest.mark.skipif(node is None, reason="node is missing: apt-get install nodejs")


def entries(kind: str, values: Values = VALUES) -> dict[str, str]:
    """The files of a download as it arrives."""
    name, content = bundle(kind, values)
    if not name.endswith(".zip"):
        return {name: content.decode()}
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {entry: archive.read(entry).decode() for entry in archive.namelist()}


def unpacked(folder: Path, kind: str, values: Values = VALUES) -> Path:
    for name, text in entries(kind, values).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def every(suffix: str) -> list[tuple[str, str]]:
    return [(kind, name) for kind in PLUGINS for name in dict(texts(kind, VALUES)) if name.endswith(suffix)]


@pytest.mark.parametrize("kind", PLUGINS)
def test_no_token_is_left(kind: str) -> None:
    for name, text in entries(kind).items():
        assert set(re.findall("__[A-Z]+(?:_[A-Z]+)*__", text)) <= {"__DIR__", "__FILE__"}, name


@pytest.mark.parametrize("kind", PLUGINS)
def test_only_servers_get_the_secret(kind: str) -> None:
    everything = "\n".join(entries(kind).values())
    assert ("sk_secret-key" in everything) is PLUGINS[kind].secret
    assert "https://crm.example" in everything


@pytest.mark.parametrize("kind", PLUGINS)
def test_no_file_of_ours_slips_in(kind: str) -> None:
    names = list(entries(kind))
    assert names == sorted(names) and len(names) == len(set(names))
    assert not [
        name for name in names if re.search(r"(^|/)(\.|__pycache__|tests?/|node_modules)|\.pyc?$", name)
    ]
    assert all(".." not in name and not name.startswith("/") for name in names)


@pytest.mark.parametrize("kind", PLUGINS)
def test_same_values_make_same_bytes(kind: str) -> None:
    assert bundle(kind, VALUES) == bundle(kind, VALUES)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(BadInput, match="wordpress"):
        bundle("joomla", VALUES)


def test_wordpress_is_one_folder() -> None:
    names = entries("wordpress")
    assert bundle("wordpress", VALUES)[0] == "kartoteka.zip"
    assert {name.split("/")[0] for name in names} == {"kartoteka"}
    assert {"kartoteka/kartoteka.php", "kartoteka/readme.txt", "kartoteka/uninstall.php"} <= names.keys()


@pytest.mark.parametrize(("kind", "name"), every(".php"))
def test_php_refuses_to_be_called_alone(kind: str, name: str) -> None:
    text = dict(texts(kind, VALUES))[name]
    guarded = re.search(r"defined\(\s*'(ABSPATH|WP_UNINSTALL_PLUGIN|VERSION)'\s*\)\s*\|\|\s*exit", text)
    assert guarded or re.fullmatch(r"<\?php\n(\$_\['\w+'\] += '[^']*';\n)+", text)


@needs_php
@pytest.mark.parametrize("said", ["", *HOSTILE])
def test_php_parses(tmp_path: Path, said: str) -> None:
    values = Values("https://crm.example" + said, "site" + said, "wk" + said, "sk" + said)
    for kind in ("wordpress", "opencart", "opencart3"):
        files = sorted(unpacked(tmp_path / kind, kind, values).rglob("*.php"))
        if said:
            files = [path for path in files if path.name == "defaults.php"]
        assert files
        for path in files:
            checked = subprocess.run([str(php), "-n", "-l", str(path)], capture_output=True, text=True)
            assert checked.returncode == 0, checked.stdout


@needs_php
@pytest.mark.parametrize("kind", ["wordpress", "opencart", "opencart3"])
@pytest.mark.parametrize("said", HOSTILE)
def test_php_reads_back_the_values(tmp_path: Path, kind: str, said: str) -> None:
    values = Values("https://crm.example" + said, "site" + said, "wk" + said, "sk" + said)
    path = next(unpacked(tmp_path, kind, values).rglob("defaults.php"))
    code = f"define('ABSPATH', 1); define('VERSION', '3'); echo json_encode(require {str(path)!r});"
    found = json.loads(subprocess.run([str(php), "-n", "-r", code], capture_output=True, check=True).stdout)
    assert (found["hub"], found["site_key"]) == (values.hub.rstrip("/"), values.site_key)
    assert (found["write_key"], found["secret_key"]) == (values.write_key, values.secret_key)


@needs_node
@pytest.mark.parametrize(("kind", "name"), every(".js"))
def test_javascript_parses(tmp_path: Path, kind: str, name: str) -> None:
    for number, said in enumerate(["", *HOSTILE]):
        values = Values("https://crm.example" + said, "site" + said, "wk" + said)
        path = tmp_path / f"{number}.js"
        path.write_text(dict(texts(kind, values))[name], "utf-8")
        checked = subprocess.run([str(node), "--check", str(path)], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("said", HOSTILE)
def test_xml_and_json_parse(said: str) -> None:
    values = Values("https://crm.example" + said, "site" + said, "wk" + said, "sk" + said)
    for kind in PLUGINS:
        for name, text in texts(kind, values):
            if name.endswith(".json"):
                assert json.loads(text)
            if name.endswith(".xml"):
                assert ElementTree.fromstring(text).tag


class Scripts(HTMLParser):
    """The scripts of a text of HTML: their addresses, and how many tags there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str | None] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script" and dict(attrs).get("src"):
            self.sources.append(dict(attrs)["src"])


@pytest.mark.parametrize("said", ["", *HOSTILE])
def test_tag_manager_gets_one_tag(said: str) -> None:
    values = Values("https://crm.example", "site" + said, "wk")
    container = json.loads(entries("gtm", values)["kartoteka-gtm.json"])
    (tag,) = container["containerVersion"]["tag"]
    code = next(one["value"] for one in tag["parameter"] if one["key"] == "html")
    found = Scripts(code)
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", said)
    assert (found.tags, found.sources) == (["script"], [f"https://crm.example/k/site{plain}.js"])
    assert "{{" not in code
    assert tag["consentSettings"]["consentStatus"] == "NEEDED" and tag["firingTriggerId"] == ["2147479553"]


@pytest.mark.parametrize("said", ["", *HOSTILE])
def test_theme_text_has_one_tag(said: str) -> None:
    text = entries("shopify", Values("https://crm.example", "site" + said, "wk"))["theme.liquid"]
    found = Scripts(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL))
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", said)
    assert found.sources == [f"https://crm.example/k/site{plain}.js"]
    assert html.unescape(text).count("shop.secret") == said.count("shop.secret")
    assert "{{ shop" not in text


def test_every_folder_is_offered() -> None:
    assert set(PLUGINS) == {path.name for path in SOURCES.iterdir() if path.is_dir() and path.name[0] != "_"}


GUIDES = Path(__file__).parents[2] / "docs" / "shops"


@pytest.mark.parametrize("guide", sorted(path.name for path in GUIDES.glob("*.md")))
def test_guide_shows_pictures(guide: str) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (GUIDES / guide).read_text("utf-8"))
    assert pictures and all((GUIDES / one).is_file() for one in pictures)
