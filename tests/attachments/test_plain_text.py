from __future__ import annotations

import random

import pytest

from tui.chat.attachments.content import CannotAttach
from tui.chat.attachments.plain_text import read_text

GERMAN = "Größe und Straße, schöne Grüße aus München."
FRENCH = "Les élèves ont été reçus à l'école, où ils étudient l'été."
JAPANESE = "日本語のテキストです。これは文字コードの判定を試すための文章です。"
RUSSIAN = "Это текст на русском языке, чтобы проверить определение кодировки."
TEXTS = {
    "utf-8": JAPANESE,
    "utf-8-sig": JAPANESE,
    "utf-16": GERMAN,
    "utf-16-le": GERMAN,
    "utf-16-be": GERMAN,
    "utf-32": GERMAN,
    "cp1252": GERMAN,
    "latin-1": FRENCH,
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy, zvláště když pršelo.",
    "shift_jis": JAPANESE,
    "euc_jp": JAPANESE,
    "iso2022_jp": JAPANESE,
    "gb18030": "这是一个用来测试字符编码检测的简体中文文本，内容并不重要。",
    "big5": "這是一個用來測試字元編碼偵測的繁體中文文字，內容並不重要。",
    "euc_kr": "이것은 문자 인코딩 감지를 시험하기 위한 한국어 텍스트입니다.",
    "koi8_r": RUSSIAN,
    "cp1251": RUSSIAN,
    "cp1253": "Καλημέρα κόσμε, τι κάνεις σήμερα;",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_text_is_read_in_its_encoding(encoding: str) -> None:
    text = f"{TEXTS[encoding]}\r\n{TEXTS[encoding]}\n"
    content = read_text(text.encode(encoding), "a")
    assert content.data.decode() == text
    assert content.note.startswith("read as ") == (not encoding.startswith("utf"))


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ('<?xml version="1.0" encoding="{}"?>', "iso-8859-2"),
        ('<meta charset="{}">', "windows-1257"),
        ("# -*- coding: {} -*-", "cp437"),
        ('@charset = "{}"', "mac-roman"),
    ],
)
def test_what_a_text_says_about_its_encoding_is_believed(
    declaration: str, encoding: str
) -> None:
    text = f"{declaration.format(encoding)}\nä ö é ü\n"
    assert read_text(text.encode(encoding), "a").data.decode() == text


@pytest.mark.parametrize("encoding", ["rot13", "hex", "no-such", "utf-7\0"])
def test_a_declared_encoding_that_is_none_is_not_used(encoding: str) -> None:
    data = f'<?xml encoding="{encoding}"?>\n'.encode() + GERMAN.encode("cp1252")
    if "\0" in encoding:
        with pytest.raises(CannotAttach):
            read_text(data, "a")
    else:
        assert GERMAN in read_text(data, "a").data.decode()


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_no_text(seed: int) -> None:
    data = random.Random(seed).randbytes(20_000)
    with pytest.raises(CannotAttach, match=r"^a is not a text, an image or a PDF\.$"):
        read_text(data, "a")


@pytest.mark.parametrize(
    "data",
    [
        b"NUL \0 byte",
        b"\xff\xfeodd",
        "\udcff".encode("utf-8", "surrogatepass") + b"\0",
        b"\x01\x02\x03",
        b"\xff\xfe\x00\xd8x\x00",
    ],
    ids=range(5),
)
def test_what_is_almost_a_text_is_refused(data: bytes) -> None:
    with pytest.raises(CannotAttach):
        read_text(data, "a")


def test_the_colours_of_a_log_are_kept() -> None:
    assert read_text(b"\x1b[31mred\x1b[0m\n", "a").data == b"\x1b[31mred\x1b[0m\n"


@pytest.mark.parametrize(
    ("text", "is_table"),
    [
        ("a,b\n1,2\n3,4\n", True),
        ("a;b;c\r\n1;2;3\r\n4;5;6\r\n", True),
        ("a\tb\n1\t2\n3\t4\n", True),
        ('a,b\n"one, two",2\n3,"x\ny"\n', True),
        ("a,b\n1,2\n", False),
        ("One, two.\nThree.\nFour, five, six.\n", False),
        ("import a, b\nprint(a)\nprint(b)\n", False),
        ("words\n" * 30, False),
        ('a,b\n1,2\n3,"4\n', False),
    ],
    ids=range(9),
)
def test_a_table_is_told_from_its_rows(text: str, is_table: bool) -> None:  # noqa: FBT001
    assert read_text(text.encode(), "a").kind == ("table" if is_table else "text")


def test_a_line_end_is_what_an_editor_counts() -> None:
    from tui.chat.attachments.plain_text import LineRange

    data = "one\u2028still one\x0cstill\ntwo\n".encode()
    assert read_text(data, "a", LineRange(2, 2)).data == b"two\n"
