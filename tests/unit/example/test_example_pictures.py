"""Which bytes the example takes for a picture."""

import io

import pytest
from PIL import Image

import pictures


def encoded(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_each_format_is_decoded(kind):
    decoded = pictures.decode(encoded(Image.new("RGB", (7, 5), "red"), kind))
    assert (decoded.mode, decoded.size) == ("RGB", (7, 5))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_each_mode_becomes_rgb(mode):
    assert pictures.decode(encoded(Image.new(mode, (4, 3)), "PNG")).mode == "RGB"


def test_colours_survive():
    decoded = pictures.decode(encoded(Image.new("RGB", (2, 2), (10, 20, 30)), "PNG"))
    assert decoded.getpixel((1, 1)) == (10, 20, 30)


NOISE = Image.effect_noise((64, 64), 100)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a picture"),
        (b"hello", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "not a picture"),
        (encoded(NOISE, "TIFF"), "not a picture in one of the formats BMP, GIF, JPEG, PNG, WEBP"),
        (encoded(NOISE, "PNG")[:-1000], "PNG picture that cannot be decoded"),
        (encoded(NOISE, "JPEG")[:-1000], "JPEG picture that cannot be decoded"),
    ],
    ids=["empty", "text", "only a signature", "EPS", "TIFF", "half a PNG", "half a JPEG"],
)
def test_other_bytes_are_refused_with_a_reason(data, words):
    with pytest.raises(pictures.UnreadablePicture, match=words):
        pictures.decode(data)


def test_a_picture_too_large_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 63)
    with pytest.raises(pictures.UnreadablePicture, match="8 x 8 is too large: 63 pixels"):
        pictures.decode(encoded(Image.new("RGB", (8, 8)), "PNG"))


def test_a_decompression_bomb_is_refused():
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(pictures.UnreadablePicture):
        pictures.decode(bomb)
