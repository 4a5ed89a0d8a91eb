"""Read an archive of CIFAR-10, ``.tar.gz`` or ``.tar``, with little work whatever it claims to hold.

gzip and tarfile follow what a file tells of itself: a name of 170 MB, a million empty gzips, a map of holes
or a length of 400,000 digits keep them busy for minutes. So zlib unpacks here, and each header is a block of
512 bytes that tarfile takes apart; what no archive of CIFAR-10 has is refused before it is read.
"""

import io
import tarfile
import zlib

_MOST_MEMBERS = 1000  # CIFAR-10's have nine at most
_MOST_GZIPS = 10_000  # one after another; parallel packers write one for each MB or so
_MOST_EXTRAS = 300_000  # bytes: long names, and what macOS notes of its files
_LARGEST_SURPLUS = 1_000_000  # bytes of gzip that unpack to nothing
_CHUNK, _PIECE = 1 << 16, 1 << 20  # bytes, packed and unpacked
_EXTRAS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip

_KINDS = {  # what else people give, and how it begins
    b"PK\x03\x04": "a .zip: unpack it, and give the folder that comes out",
    b"7z\xbc\xaf": "a .7z: unpack it, and give the folder that comes out",
    b"Rar!": "a .rar: unpack it, and give the folder that comes out",
    b"BZh": "packed with bzip2: unpack it, and give the .tar or the folder that comes out",
    b"\xfd7zXZ": "packed with xz: unpack it, and give the .tar or the folder that comes out",
    b"<": "a web page; its server may have wanted a login",
}


class OtherFileError(Exception):
    """The file may be whole, but it is no archive of CIFAR-10."""


def members(path, limit):
    """Yield name, size and open stream of each regular file in an archive; nothing is unpacked to disk.

    The names come without their folders, so they lead nowhere; links and devices are left out.

    Parameters
    ----------
    path : path
    limit : int
        Bytes. An archive that unpacks to more is refused.

    Raises
    ------
    EOFError, tarfile.TarError, zlib.error
        If it is damaged.
    OtherFileError
        If it is another file, or not packed in the usual way.
    """
    with open(path, "rb") as file:
        content = io.BufferedReader(_Joined(_unpack(file), limit), _CHUNK)
        name, extras = None, 0
        for count in range(_MOST_MEMBERS):
            header = _header(content, count == 0)
            if header is None:
                break
            if header.size < 0:
                raise tarfile.ReadError("a header in it makes no sense")
            if header.type in _EXTRAS:
                extras += header.size
                if extras > _MOST_EXTRAS:
                    raise OtherFileError("it holds far longer headers than CIFAR-10")
                name = _long_name(header, content, limit) or name
                continue
            if header.isreg() or header.type not in tarfile.SUPPORTED_TYPES:  # others have no content
                member = _Member(content, header.size)
                if header.isreg():
                    name = (name or header.name).rpartition("/")[2]
                    yield name, header.size, io.BufferedReader(member, _CHUNK)
                member.skip()
            name = None
        else:
            raise OtherFileError("it holds far more files than CIFAR-10")
        while content.read(1 << 20):  # the checksum comes at the very end
            pass


def _header(content, is_first):
    """Return the next header, or None at the end."""
    block = content.read(tarfile.BLOCKSIZE)
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        if is_first and not block:
            raise EOFError("it is empty") from None
        if not block.strip(b"\0"):
            return None
        if is_first:
            kinds = (kind for begin, kind in _KINDS.items() if block.startswith(begin))
            if block.startswith(b"PK") and b".npy" in block:
                kinds = iter(["a .npz of NumPy: np.load reads it, and Dataset takes its arrays"])
            raise OtherFileError(f"it is {next(kinds, 'neither a .tar.gz nor a .tar')}") from None
        raise
    if header.type == tarfile.GNUTYPE_SPARSE:
        raise OtherFileError("it holds a file with holes, as CIFAR-10 does not")
    return header


def _long_name(header, content, limit):
    """Read what belongs to the next header, and return the name in it, if there is one."""
    extra = content.read(header.size + -header.size % tarfile.BLOCKSIZE)[: header.size]
    name = None
    if header.type == tarfile.GNUTYPE_LONGNAME:
        name = extra.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
        for line in extra.split(b"\n"):  # each is its length, a space, key=value
            key, _, value = line.partition(b" ")[2].partition(b"=")
            if key == b"size" and len(value) > len(str(limit)):
                raise OtherFileError("it unpacks to far more than CIFAR-10")
            if key.startswith(b"GNU.sparse"):
                raise OtherFileError("it holds a file with holes, as CIFAR-10 does not")
            if key == b"path":
                name = value.decode("utf-8", "surrogateescape")
    return name


class _Member(io.RawIOBase):
    """A file in an archive: the next `size` bytes of the stream."""

    def __init__(self, stream, size):
        self.stream, self.left, self.padding = stream, size, -size % tarfile.BLOCKSIZE

    def readable(self):
        return True

    def readinto(self, target):
        target = memoryview(target)[: self.left]
        count = self.stream.readinto(target)
        if count < len(target):
            raise EOFError("it ends in the middle of a file")
        self.left -= count
        return count

    def skip(self):
        """Go on to what comes after it."""
        buffer = bytearray(_CHUNK)
        while self.left:
            self.readinto(buffer)
        self.stream.read(self.padding)


class _Joined(io.RawIOBase):
    """A stream of pieces, up to a limit."""

    def __init__(self, pieces, limit):
        self.pieces, self.piece, self.left = pieces, memoryview(b""), limit

    def readable(self):
        return True

    def readinto(self, target):
        if not self.piece:
            self.piece = memoryview(next(self.pieces, b""))
            self.left -= len(self.piece)
            if self.left < 0:
                raise OtherFileError("it unpacks to far more than CIFAR-10")
        count = min(len(target), len(self.piece))
        target[:count], self.piece = self.piece[:count], self.piece[count:]
        return count


def _unpack(file):
    """Yield a file's content in pieces that are not empty, unpacked if it is gzip."""
    packed = file.read(_CHUNK)
    if not packed.startswith(b"\x1f\x8b"):
        while packed:
            yield packed
            packed = file.read(_CHUNK)
        return
    surplus = _LARGEST_SURPLUS
    for _ in range(_MOST_GZIPS):
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            piece = unpacker.decompress(packed, _PIECE)
            if piece:
                yield piece
            used = len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
            surplus = min(surplus + len(piece) - used, _LARGEST_SURPLUS)
            packed = unpacker.unconsumed_tail
            if surplus < 0:
                raise OtherFileError("it is larger than what is packed in it")
            if len(piece) < _PIECE and not packed and not unpacker.eof:
                packed = file.read(_CHUNK)
                if not packed:
                    raise EOFError("it ends in the middle")
        packed = (unpacker.unused_data or file.read(_CHUNK)).lstrip(b"\0")  # zeros: as on a tape
        if not packed:
            return
    raise OtherFileError("it is far too many archives one after another")
