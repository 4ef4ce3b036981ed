"""The official SDK against the stand-in: it understands the SDK's requests and replies as the SDK expects."""

import contextlib

import pytest
import requests
from ufile import filemanager, multipartuploadufile
from ufile.util import file_etag

MIB = 1024 * 1024


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "a.pb"
    path.write_bytes(b"graph" * 1000)
    return path


def test_putfile_then_head_then_download(files, local, tmp_path):
    _, put = files.putfile("127", "dir/a.pb", str(local), header={"X-Ufile-Meta-Sha256": "abc"})
    assert put.ok(), put.error
    assert put.etag == f'"{file_etag(str(local))}"'
    _, head = files.head_file("127", "dir/a.pb")
    assert (head.status_code, head.content_length, head.etag) == (200, "5000", put.etag)
    _, got = files.download_file("127", "dir/a.pb", str(tmp_path / "back"))
    assert got.ok()
    assert (tmp_path / "back").read_bytes() == local.read_bytes()
    assert files.compare_file_etag("127", "dir/a.pb", str(local))


def test_download_of_a_range(files, local, tmp_path):
    files.putfile("127", "k", str(local))
    _, got = files.download_file("127", "k", str(tmp_path / "back"), content_range=(5, 9))
    assert (got.status_code, got.content_range) == (206, (5, 9))
    assert (tmp_path / "back").read_bytes() == b"graph"


def test_a_form_upload_without_its_closing_boundary(files, local, tmp_path):
    _, post = files.postfile("127", "form/a.pb", str(local))
    assert post.ok(), post.error
    files.download_file("127", "form/a.pb", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == local.read_bytes()


def test_an_empty_file_is_sent_chunked_and_kept(files, tmp_path):
    (tmp_path / "empty").touch()
    _, put = files.putfile("127", "empty", str(tmp_path / "empty"))
    assert put.ok(), put.error
    assert files.head_file("127", "empty")[1].content_length == "0"


def test_copy_delete_and_absence(files, local):
    files.putfile("127", "a b/源.pb", str(local))
    _, copied = files.copy("127", "copy.pb", "127", "a b/源.pb")
    assert copied.etag == f'"{file_etag(str(local))}"'
    assert files.deletefile("127", "copy.pb")[1].status_code == 204
    assert files.deletefile("127", "copy.pb")[1].status_code == 404
    assert files.head_file("127", "copy.pb")[1].status_code == 404
    assert files.copy("127", "copy.pb", "127", "absent")[1].ret_code == -148654
    assert files.copy("127", "copy.pb", "absent", "k")[1].ret_code == -148653


def test_listobjects_pages_by_marker(files, local):
    for name in ("p/1", "p/2", "p/3", "q/1"):
        files.putfile("127", name, str(local))
    first, _ = files.listobjects("127", "p/", "", 2, "")
    assert [entry["Key"] for entry in first["Contents"]] == ["p/1", "p/2"]
    assert (first["IsTruncated"], first["NextMarker"], first["MaxKeys"]) == (True, "p/2", "2")
    assert first["Contents"][0]["Size"] == "5000"
    second, _ = files.listobjects("127", "p/", first["NextMarker"], 2, "")
    assert [entry["Key"] for entry in second["Contents"]] == ["p/3"]
    assert (second["IsTruncated"], second["NextMarker"]) == (False, "")


def test_listobjects_with_a_delimiter_rolls_folders_up(files, local):
    for name in ("p/a", "p/x/1", "p/x/2", "p/y/1"):
        files.putfile("127", name, str(local))
    listed, _ = files.listobjects("127", "p/", "", 2, "/")
    assert [entry["Key"] for entry in listed["Contents"]] == ["p/a"]
    assert listed["CommonPrefixes"] == [{"Prefix": "p/x/"}]
    rest, _ = files.listobjects("127", "p/", listed["NextMarker"], 2, "/")
    assert rest["CommonPrefixes"] == [{"Prefix": "p/y/"}]


def test_the_older_list(files, local):
    for name in ("1", "2"):
        files.putfile("127", name, str(local))
    page, _ = files.getfilelist("127", prefix="", marker="", limit=1)
    assert (page["DataSet"][0]["FileName"], page["DataSet"][0]["Size"], page["NextMarker"]) == ("1", 5000, "1")
    assert files.getfilelist("127", marker="1")[0]["NextMarker"] == ""


def test_a_multipart_upload(files, parts, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * (9 * MIB // 256))
    answer, done = parts.uploadfile("127", "large", str(path), maxthread=2)
    assert done.ok(), done.error
    assert answer == {"Bucket": "127", "Key": "large", "FileSize": 9 * MIB}
    assert files.compare_file_etag("127", "large", str(path))


def _caller(standin):
    """Signed requests on the key `k`, for operations that the SDK lacks."""
    sdk = multipartuploadufile.MultipartUploadUFile("PUB", "PRIV", standin.suffix)

    def call(method, query, data=b"", key="k", headers=None):
        header = {"Authorization": sdk.authorization(method, "127", key, {}), **(headers or {})}
        url = f"http://127{standin.suffix}/{key}?{query}"
        answer = requests.request(method, url, data=data, headers=header, timeout=60)
        return answer.status_code, answer.json() if answer.content else {}, answer.headers.get("ETag", "")

    return call


def test_unfinished_uploads_are_listed(parts, standin):
    call = _caller(standin)
    upload = call("POST", "uploads")[1]
    assert (upload["BlkSize"], upload["Bucket"], upload["Key"]) == (4 * MIB, "127", "k")
    for number in range(3):
        assert call("PUT", f"uploadId={upload['UploadId']}&partNumber={number}", b"data")[1] == {"PartNumber": number}

    def listed(limit, marker):
        page, answer = parts.get_multi_upload_part(
            "127", upload["UploadId"], limit, marker, upload_suffix=standin.suffix
        )
        assert answer.ok(), answer.error
        return [entry["PartNum"] for entry in page["Parts"]], page["IsTruncated"], page["NextPartNumberMarker"]

    assert listed(2, None) == ([0, 1], True, 1)
    assert listed(2, 1) == ([2], False, 2)
    assert [entry["FileName"] for entry in call("GET", "muploadid", key="")[1]["DataSet"]] == ["k"]
    assert call("GET", "muploadid&prefix=other", key="")[1] == {"DataSet": [], "NextMarker": ""}


@pytest.mark.parametrize(
    ("keys", "bucket", "answer"),
    [
        (("PUB", "WRONG"), "127", (403, -148658)),
        (("NOBODY", "PRIV"), "127", (403, -148658)),
        (("ELSEWHERE", "elsewhere-key"), "127", (401, -148643)),
        (("READER", "reader-key"), "127", (401, -148643)),
        (("READER", "WRONG"), "localhost", (400, -148653)),
    ],
)
def test_invalid_puts_are_rejected(standin, local, keys, bucket, answer):
    suffix = standin.suffix if bucket == "127" else f":{standin.port}"
    files = filemanager.FileManager(*keys, suffix, suffix)
    _, refused = files.putfile(bucket, "k", str(local))
    assert (refused.status_code, refused.ret_code, bool(refused.x_session_id)) == (*answer, True)


def test_a_read_only_key_can_read(standin, files, local, tmp_path):
    files.putfile("127", "k", str(local))
    reader = filemanager.FileManager("READER", "reader-key", standin.suffix, standin.suffix)
    assert reader.download_file("127", "k", str(tmp_path / "back"))[1].ok()


def test_an_expired_url(files, local):
    files.putfile("127", "k", str(local))
    answer = requests.get(files.private_download_url("127", "k", expires=-1, internal=True), timeout=60)
    assert (answer.status_code, answer.json()["RetCode"]) == (403, -148660)
    assert answer.headers["Content-Type"] == "application/json"


def test_no_authorization(standin):
    answer = requests.get(f"http://127{standin.suffix}/k", timeout=60)
    assert (answer.status_code, answer.json()["RetCode"]) == (401, -148643)


def test_a_wrong_content_md5_stores_nothing(files):
    _, refused = files.putstream("127", "k", b"data", header={"Content-MD5": "0" * 32})
    assert (refused.status_code, refused.ret_code) == (400, -15036)
    assert files.head_file("127", "k")[1].status_code == 404


def test_requests_in_absolute_form_as_through_a_proxy(standin, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{standin.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    files = filemanager.FileManager("PUB", "PRIV", ".ufile.test", ".ufile.test")
    assert files.putstream("other", "dir/k", b"data")[1].ok()
    assert files.head_file("other", "dir/k")[1].content_length == "4"
    assert files.copy("127", "copy", "other", "dir/k")[1].ok()
    elsewhere = filemanager.FileManager("ELSEWHERE", "elsewhere-key", ".ufile.test", ".ufile.test")
    assert elsewhere.copy("other", "copy", "127", "copy")[1].status_code == 401


def test_a_half_sent_put_leaves_the_old_object(standin, files):
    files.putstream("127", "k", b"old")

    def broken():
        yield b"new"
        raise ConnectionAbortedError

    with contextlib.suppress(ConnectionAbortedError):
        files.putstream("127", "k", broken())
    standin.faults.clear()
    assert files.head_file("127", "k")[1].content_length == "3"
    url = files.private_download_url("127", "k", internal=True)
    assert requests.get(url, timeout=60).content == b"old"


def test_a_multipart_upload_needs_equal_parts_once_each_in_order(standin):
    call = _caller(standin)
    upload = call("POST", "uploads")[1]["UploadId"]
    _, _, short = call("PUT", f"uploadId={upload}&partNumber=0", b"short")
    assert call("PUT", f"uploadId={upload}&partNumber=0", b"again")[:2] == (
        500,
        {"RetCode": -1014, "ErrMsg": "duplicate part"},
    )
    assert call("PUT", f"uploadId={upload}&partNumber=1", b"x" * (4 * MIB + 1))[0] == 400
    _, _, last = call("PUT", f"uploadId={upload}&partNumber=1", b"last")
    assert call("POST", f"uploadId={upload}", f"{last},{short}".encode())[0] == 400
    assert call("POST", f"uploadId={upload}", f"{short},{last}".encode())[0] == 400  # the first is short
    assert call("DELETE", f"uploadId={upload}")[0] == 200
    assert call("DELETE", f"uploadId={upload}")[0] == 404
    assert call("PUT", f"uploadId={upload}/../../x&partNumber=0", b"x")[0] == 404


@pytest.mark.parametrize(
    ("directive", "expected"),
    [(None, "begin"), ("UNCHANGED", "begin"), ("REPLACE", "finish")],
)
def test_the_metadata_of_an_upload_is_that_of_its_begin_unless_its_finish_replaces_it(
    files, standin, directive, expected
):
    """API finish_multipart_upload.md, X-Ufile-Metadata-Directive."""
    call = _caller(standin)
    upload = call("POST", "uploads", headers={"X-Ufile-Meta-Of": "begin"})[1]["UploadId"]
    _, _, part = call("PUT", f"uploadId={upload}&partNumber=0", b"part")
    headers = {"X-Ufile-Meta-Of": "finish"} | ({"X-Ufile-Metadata-Directive": directive} if directive else {})
    assert call("POST", f"uploadId={upload}", part.encode(), headers=headers)[0] == 200
    url = files.private_download_url("127", "k", internal=True)
    assert requests.get(url, timeout=60).headers["X-Ufile-Meta-Of"] == expected
