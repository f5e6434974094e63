"""``warehouse.toml``: followed to the letter, or refused in words that say what to write."""

from pathlib import Path

import pytest

from warehouse.config import FILE, load_config
from warehouse.errors import InvalidConfig
from warehouse.lake import Layout
from warehouse.store import LocalStore


def test_without_a_file_all_is_in_the_folder(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    assert layout.store == LocalStore(tmp_path)
    assert str(layout.catalogue) == str(tmp_path / "catalog.sqlite")


def test_what_it_names_is_what_it_gives(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        "catalogue = \"postgres:host=db.example user='a b' dbname=lake passfile=/run/pgpass\"\n"
        'store = "s3://bucket/a/prefix/"\nendpoint = "http://127.0.0.1:9000"\nregion = "eu-north-1"\n'
    )
    config = load_config(tmp_path)
    assert config.conninfo == "host=db.example user='a b' dbname=lake passfile=/run/pgpass"
    assert (config.store, config.path_style) == ("s3://bucket/a/prefix", True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('catalogue = "postgres:dbname=lake password=hush"', "PGPASSWORD"),
        ('catalogue = "postgres:dbname=lake sslpassword = hush"', "PGPASSWORD"),
        ('catalogue = "postgres:postgresql://u:hush@host/lake"', 'wants "postgres:host='),
        ('catalogue = "postgres:host=db.example"', "dbname"),
        ('catalogue = "mysql:dbname=lake"', 'wants "postgres:host='),
        ('store = "s3://bucket"\naccess_key = "hush"', "AWS_ACCESS_KEY_ID"),
        ('store = "s3://bucket"\n[s3]\nx = 1', "s3: Extra inputs"),
        ('store = "s3://u:hush@bucket/x"', 'wants "s3://bucket/prefix"'),
        ('store = "s3://bucket/../x\'"', 'wants "s3://bucket/prefix"'),
        ('store = "/some/folder"', 'wants "s3://bucket/prefix"'),
        ('store = "s3://bucket"\nendpoint = "http://u:hush@host"', "without a user"),
        ('endpoint = "http://host"', "name it too"),
        ('sotre = "s3://bucket"', "sotre: Extra inputs"),
        ("store = s3", "Invalid value"),
    ],
)
def test_what_cannot_be_followed_is_refused_without_showing_secrets(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InvalidConfig, match=FILE) as refusal:
        Layout.of(tmp_path)
    assert complaint in str(refusal.value)
    assert "hush" not in str(refusal.value)
