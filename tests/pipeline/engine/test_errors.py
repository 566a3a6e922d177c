"""What a refusal looks like: one printable line, short, and without passwords."""

import pickle

import pytest

from pipeline.engine.errors import LONGEST, InputError, printable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nb\t c", "a b c"),
        ("X\x1b[2J", r"X\x1b[2J"),
        ("\u202eX\x07\x9b", r"\u202eX\x07\x9b"),
        ("file:///a@b: no", "file:///a@b: no"),
        ("s3://me:secret@host/x: no", "s3://***@host/x: no"),
        ("postgresql://me:se@c/ret@host/x: no", "postgresql://***@host/x: no"),
        ("http://token@host/x: no", "http://***@host/x: no"),
        ("at 'mysql+py://a:b@c/d' and ftp://e:f@g", "at 'mysql+py://***@c/d' and ftp://***@g"),
    ],
)
def test_a_message_is_a_line_that_can_be_seen(text: str, said: str) -> None:
    assert str(InputError(text)) == said


def test_a_long_message_keeps_its_file_and_its_next_step() -> None:
    said = str(InputError(f"/{'d' * 400}/tape.csv: row 3: {'N' * 900}: no price; mend the row"))
    assert len(said) <= LONGEST
    assert "tape.csv: row 3" in said
    assert said.endswith("no price; mend the row")
    words = str(InputError("a.csv: row 3: " + "many words " * 100 + "; mend the row"))
    assert len(words) <= LONGEST
    assert words.startswith("a.csv: row 3")
    assert words.endswith("; mend the row")


def test_a_message_comes_from_a_worker_as_it_was() -> None:
    error = InputError("s3://me:secret@host/x: no")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_lines_stay_lines_on_a_terminal() -> None:
    assert printable("a\n\x1b]0;title\x07") == "a\n\\x1b]0;title\\x07"
