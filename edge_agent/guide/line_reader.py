"""Lines of text from a terminal or a pipe, taken between packets without a thread."""

import os
import select

_CHUNK = 1 << 16
_LONGEST = 4096


class LineReader:
    """Whole lines of a descriptor, as they come."""

    def __init__(self, descriptor: int) -> None:
        """Read from a descriptor, which stays the caller's to close.

        Args:
            descriptor: Of a terminal, a pipe or a file.
        """
        self._descriptor = descriptor
        self._begun = b""
        self._is_too_long = False
        self.at_end = False
        """Whether nothing will come any more."""

    def take(self, wait_s: float = 0.0) -> list[str]:
        """Return the lines that came since the last call, without their ends.

        Of a line of more than 4096 bytes the rest is left out; what stands behind the
        last line end is a line at the end of the input.

        Args:
            wait_s: How long to wait if there is nothing [s].
        """
        if self.at_end or not select.select([self._descriptor], [], [], wait_s)[0]:
            return []
        try:
            chunk = os.read(self._descriptor, _CHUNK)
        except OSError:  # the other side of a terminal has gone
            chunk = b""
        if not chunk:
            self.at_end = True
            chunk = b"\n" if self._begun else b""
        *lines, rest = (self._begun + chunk).split(b"\n")
        if self._is_too_long and lines:
            # Its beginning was handed out already.
            del lines[0]
            self._is_too_long = False
        if self._is_too_long:
            rest = b""
        elif len(rest) > _LONGEST:
            lines.append(rest)
            rest, self._is_too_long = b"", True
        self._begun = rest
        return [
            line[:_LONGEST].decode("utf-8", "replace").rstrip("\r") for line in lines
        ]
