"""Decoding of pictures in the example."""

import io
import struct

import pytest
from PIL import Image

import pictures
from tests.support.limits import MIB, within

RED, WHITE, GREEN = (255, 0, 0), (255, 255, 255), (10, 200, 30)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes) -> Image.Image:
    return pictures.to_rgb(pictures.open_picture(data))


@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_each_format_is_decoded(kind):
    decoded = decode(encoded(Image.new("RGB", (7, 5), "red"), kind))
    assert (decoded.mode, decoded.size) == ("RGB", (7, 5))
    red, green, blue = decoded.getpixel((3, 2))
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


def half_transparent(mode: str) -> Image.Image:
    """Red on the left, fully transparent red on the right."""
    picture = Image.new("RGBA", (2, 1), (*RED, 255))
    picture.putpixel((1, 0), (*RED, 0))
    return picture.convert(mode)


@pytest.mark.parametrize(
    ("picture", "kind", "options", "seen"),
    [
        (Image.new("1", (2, 1), 1), "PNG", {}, [WHITE, WHITE]),
        (Image.new("L", (2, 1), 100), "PNG", {}, [(100,) * 3] * 2),
        (Image.new("LA", (2, 1), (100, 0)), "PNG", {}, [WHITE] * 2),
        (Image.new("RGB", (2, 1), GREEN).quantize(4), "PNG", {}, [GREEN] * 2),
        (Image.new("RGB", (2, 1), GREEN).quantize(4), "GIF", {}, [GREEN] * 2),
        (Image.new("RGB", (2, 1), RED), "PNG", {"transparency": RED}, [WHITE] * 2),
        (Image.new("P", (2, 1), 0), "PNG", {"transparency": 0}, [WHITE] * 2),
        (half_transparent("RGBA"), "PNG", {}, [RED, WHITE]),
        (half_transparent("RGBA"), "WEBP", {"lossless": True}, [RED, WHITE]),
        (half_transparent("RGBA"), "TIFF", {}, [RED, WHITE]),
        (Image.new("CMYK", (2, 1), (0, 255, 255, 0)), "TIFF", {}, [RED] * 2),
        (Image.new("I;16", (2, 1), 0x80FF), "PNG", {}, [(0x80,) * 3] * 2),
        (Image.new("I;16", (2, 1), 0xFFFF), "TIFF", {}, [WHITE] * 2),
        (Image.new("I;16B", (2, 1), 0x80FF), "TIFF", {}, [(0x80,) * 3] * 2),
    ],
    ids=[
        "1 bit",
        "grey",
        "grey with alpha",
        "palette",
        "palette, GIF",
        "transparent colour",
        "transparent palette entry",
        "RGBA",
        "RGBA, WebP",
        "RGBA, TIFF",
        "CMYK",
        "16 bits",
        "16 bits, TIFF",
        "16 bits, big endian",
    ],
)
def test_each_mode_decodes_as_a_viewer_shows_it(picture, kind, options, seen):
    decoded = decode(encoded(picture, kind, **options))
    assert [decoded.getpixel((x, 0)) for x in (0, 1)] == seen


def test_a_cmyk_jpeg_keeps_its_colours():
    red, green, blue = decode(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")).getpixel((8, 8))
    assert red > 250
    assert max(green, blue) < 5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_rotated_by_its_exif_orientation(orientation):
    upright = Image.new("RGB", (32, 16), "black")
    upright.paste("white", (0, 0, 16, 8))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0))
    assert decoded.size == (32, 16)
    assert decoded.getpixel((4, 4))[0] > 200
    assert max(decoded.getpixel(at)[0] for at in ((28, 4), (4, 12), (28, 12))) < 50


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns about what it skips
def test_a_picture_with_broken_exif_data_is_accepted():
    data = encoded(Image.new("RGB", (8, 4)), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    assert decode(data).size == (8, 4)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_of_several_pictures_is_used(kind):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("white", "black")]
    first = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert decode(first).getpixel((2, 2)) == WHITE


NOISE = Image.effect_noise((64, 64), 100)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a picture"),
        (b"hello", "not a picture"),
        (b"\0" * 4096, "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "not a picture"),
        (encoded(NOISE, "PPM"), "not a picture in one of the formats BMP, GIF, JPEG, PNG, TIFF, WEBP"),
        (encoded(NOISE, "ICO"), "not a picture in one of the formats"),
        (encoded(Image.new("F", (8, 8)), "TIFF"), "TIFF picture with 32 bits per sample"),
        (encoded(Image.new("I", (8, 8)), "TIFF"), "TIFF picture with 32 bits per sample"),
    ],
    ids=["empty", "text", "zeroes", "SVG", "only a signature", "EPS", "PPM", "ICO", "floats", "integers"],
)
def test_other_bytes_are_refused_with_a_reason(data, words):
    with pytest.raises(pictures.UnreadablePicture, match=words):
        decode(data)


@pytest.mark.parametrize("kind", pictures.FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_picture_is_refused(kind, share):
    whole = encoded(NOISE.convert("RGB"), kind)
    with pytest.raises(pictures.UnreadablePicture, match=r"not a picture|cannot be decoded"):
        decode(whole[: int(len(whole) * share)])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns about what it skips
@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_any_single_wrong_byte_raises_only_unreadable_picture(kind):
    whole = encoded(NOISE.convert("RGB").resize((12, 9)), kind)
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        hostile = bytearray(whole)
        hostile[at] ^= 0xFF
        try:
            decoded = decode(bytes(hostile))
        except pictures.UnreadablePicture:
            continue
        assert decoded.mode == "RGB"


def test_a_picture_too_large_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 63)
    with pytest.raises(pictures.UnreadablePicture, match="8 x 8 is too large: 63 pixels"):
        pictures.open_picture(encoded(Image.new("RGB", (8, 8))))


@pytest.mark.parametrize("side", [8_000, 12_000, 20_000])
def test_a_decompression_bomb_is_refused(side):
    bomb = encoded(Image.new("1", (side, side)))
    assert len(bomb) < 100_000
    with pytest.raises(pictures.UnreadablePicture, match="too large: 20000000 pixels at most"):
        pictures.open_picture(bomb)


def test_huge_dimensions_in_a_tiny_file_are_refused():
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 58, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 4, 0, 0, 0, 0)
    with pytest.raises(pictures.UnreadablePicture, match="too large"):
        pictures.open_picture(header)


def test_a_progressive_picture_with_thousands_of_scans_is_refused():
    data = encoded(NOISE.convert("RGB").resize((1000, 1000)), "JPEG", progressive=True)
    assert decode(data).size == (1000, 1000)
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 1001 + data[-2:]
    with pytest.raises(pictures.UnreadablePicture, match=r"1000 x 1000 in 10\d\d scans takes too long"):
        pictures.open_picture(bomb)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16", "RGB", "P", "CMYK"])
def test_the_largest_picture_takes_a_bounded_memory(mode):
    """12 bytes per pixel, and 64 MiB for the rest. A PNG of this kind has 80 KB."""
    size = (5000, pictures.MAX_PIXELS // 5000)
    picture = Image.new(
        mode, size, (1, 2, 3, 100)[: len(Image.new(mode, (1, 1)).getbands())] if mode != "I;16" else 300
    )
    data = encoded(picture, "TIFF" if mode == "CMYK" else "PNG")
    del picture
    within(decode, data, cpu=60, memory=pictures.MAX_PIXELS * 12 + 64 * MIB)


def test_a_small_file_of_more_pixels_is_refused():
    data = encoded(Image.new("RGBA", (7050, 7050)))
    with pytest.raises(pictures.UnreadablePicture, match="too large"):
        decode(data)
    assert len(data) < 250_000
