"""The regions of US3 (formerly UFile) and their hosts.

Sources: US3 documentation, introduction/region (hosts) and introduction/limit (only public hosts support TLS).
"""

import re

import msgspec

_URL = re.compile(r"(https?)://([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?)")


class Region(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The addresses of one region, such as `https://cn-bj.ufileos.com`. The bucket name precedes the host.

    Empty if this installation does not allow the network.
    """

    public: str = ""
    internal: str = ""

    def __post_init__(self) -> None:
        """Rejects an invalid address."""
        for url in (self.public, self.internal):
            if url and not _URL.fullmatch(url):
                raise ValueError(f"{url!r} is not the address of a region; an example is https://cn-bj.ufileos.com")

    def address(self, network: str) -> tuple[str, str]:
        """Scheme and host in a network, `Public` or `Internal`; empty if the region has none."""
        scheme, _, host = (self.internal if network == "Internal" else self.public).partition("://")
        return scheme, host


_HOSTS = {
    "cn-bj": ("cn-bj.ufileos.com", "ufile.cn-north-02.ucloud.cn"),
    "cn-wlcb": ("cn-wlcb.ufileos.com", "internal-cn-wlcb.ufileos.com"),
    "cn-sh2": ("cn-sh2.ufileos.com", "internal-cn-sh2-01.ufileos.com"),
    "cn-gd": ("cn-gd.ufileos.com", "internal-cn-gd-02.ufileos.com"),
    "cn-guiyang1": ("cn-guiyang1.ufileos.com", "internal-cn-guiyang1.ufileos.com"),
    "hk": ("hk.ufileos.com", "internal-hk-01.ufileos.com"),
    "tw-tp": ("tw-tp.ufileos.com", "internal-tw-tp.ufileos.com"),
    "sg": ("sg.ufileos.com", "internal-sg-01.ufileos.com"),
    "idn-jakarta": ("idn-jakarta.ufileos.com", "internal-idn-jakarta-01.ufileos.com"),
    "vn-sng": ("vn-sng.ufileos.com", "internal-vn-sng.ufileos.com"),
    "th-bkk": ("th-bkk.ufileos.com", "internal-th-bkk.ufileos.com"),
    "kr-seoul": ("kr-seoul.ufileos.com", "internal-kr-seoul.ufileos.com"),
    "jpn-tky": ("jpn-tky.ufileos.com", "internal-jpn-tky.ufileos.com"),
    "ind-mumbai": ("ind-mumbai.ufileos.com", "internal-ind-mumbai.ufileos.com"),
    "pk-khi": ("pk-khi.ufileos.com", "internal-pk-khi.ufileos.com"),
    "uae-dubai": ("uae-dubai.ufileos.com", "internal-uae-dubai.ufileos.com"),
    "us-ca": ("us-ca.ufileos.com", "internal-us-ca-01.ufileos.com"),
    "us-ws": ("us-ws.ufileos.com", "internal-us-ws.ufileos.com"),
    "bra-saopaulo": ("bra-saopaulo.ufileos.com", "internal-bra-saopaulo.ufileos.com"),
    "ge-fra": ("ge-fra.ufileos.com", "internal-ge-fra.ufileos.com"),
    "uk-london": ("uk-london.ufileos.com", "internal-uk-london.ufileos.com"),
    "rus-mosc": ("rus-mosc.ufileos.com", "internal-rus-mosc.ufileos.com"),
    "afr-nigeria": ("afr-nigeria.ufileos.com", "internal-afr-nigeria.ufileos.com"),
}
"""Region -> public and internal host."""

REGIONS = {
    name: Region(public=f"https://{public}", internal=f"http://{internal}")
    for name, (public, internal) in _HOSTS.items()
}
