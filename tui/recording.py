"""What came over the wire for one request."""


class Recording:
    size = 0

    def packed(self) -> bytes:
        return b""
