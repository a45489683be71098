"""Which addresses lead into the public network, and which into our own or to many at once."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

GLOBAL_UNICAST: Final = ip_network("2000::/3")
"""All that is given out of IPv6 for one receiver in the public network."""
NAT64: Final = ip_network("64:ff9b::/96")
IETF_PROTOCOLS: Final = ip_network("192.0.0.0/24")
"""For use inside networks; some clouds serve their secrets there."""


def is_public(address: str) -> bool:
    """Whether it leads to one receiver in the public network. Raises ValueError: no address.

    An IPv6 address that carries another one leads where that leads.
    """
    return _is_public_ip(ip_address(address))


def _is_public_ip(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address not in IETF_PROTOCOLS
    carried = _embedded_ipv4(address)
    if carried is not None:
        return _is_public_ip(carried)
    return address.is_global and address in GLOBAL_UNICAST


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """To whom a gateway passes it on. Those of Teredo are never public, so none is looked into."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
